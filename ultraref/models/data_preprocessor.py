"""From the uint8 grey batch of the workers to the normalised tensors of the models, on the device."""

from collections.abc import Sequence
from hashlib import sha256

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from ultraref.registry import MODELS


@MODELS.register_module()
class SegDataPreprocessor(BaseDataPreprocessor):
    """Moves a batch to the device and normalises it there.

    Images leave the workers as uint8 grey: a quarter of the bytes of float32 and a third of those of RGB.

    Args:
        coarse_mean: subtracted from the coarse network's image once that is in [0, 1].
        coarse_std: what it is divided by then. The reference uses mean 0 and std 1, which keeps [0, 1].
        sam_mean: per RGB channel, in units of [0, 255]. The default is ImageNet's, as in `segment_anything`.
        sam_std: likewise.
        hash_images: also give the hash of each image that SAM will see, which the embedding cache is keyed by.
        non_blocking: passed on to `Tensor.to`.
    """

    def __init__(
        self,
        coarse_mean: float = 0.0,
        coarse_std: float = 1.0,
        sam_mean: Sequence[float] = (123.675, 116.28, 103.53),
        sam_std: Sequence[float] = (58.395, 57.12, 57.375),
        hash_images: bool = False,
        non_blocking: bool = True,
    ):
        super().__init__(non_blocking=non_blocking)
        self.coarse_mean, self.coarse_std = coarse_mean, coarse_std
        self.hash_images = hash_images
        self.register_buffer("sam_mean", torch.tensor(sam_mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("sam_std", torch.tensor(sam_std).view(1, -1, 1, 1), persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Normalises a collated batch.

        Args:
            data: `inputs` with (B, 1, H, W) tensors, and `data_samples`; see `ultraref.datasets.collate.stack_collate`.
            training: not used: training and validation see the same normalisation.

        Returns:
            dict with `inputs`: `coarse_image` (B, 1, h, w) float32 in [0, 1] (normalised), `sam_image` (B, 3, S, S) float32,
            `coarse_prob` (B, 1, h, w) float32 in [0, 1] and `gt` (B, 1, H, W) float32 in [0, 1], those that were given; with
            `hash_images` also `image_hash`, a list of B hexadecimal digests; and `data_samples`, which stay where they were.
        """
        inputs: dict[str, Tensor] = {
            name: tensor.to(self.device, non_blocking=self._non_blocking) for name, tensor in data["inputs"].items()
        }
        if "coarse_image" in inputs:
            inputs["coarse_image"] = (inputs["coarse_image"].float() / 255 - self.coarse_mean) / self.coarse_std
        if "sam_image" in inputs:
            inputs["sam_image"] = (inputs["sam_image"].float() - self.sam_mean) / self.sam_std
        if "gt" in inputs:
            inputs["gt"] = inputs["gt"].float()
        if self.hash_images:
            # Of the bytes that the encoder gets, so that no augmentation can make an entry of the cache wrong.
            inputs["image_hash"] = [sha256(image.numpy()).hexdigest() for image in data["inputs"]["sam_image"].cpu()]
        return dict(inputs=inputs, data_samples=data.get("data_samples"))
