"""From the uint8 grey batch of the workers to the float tensors of the models, on the device."""

from hashlib import sha256

from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from ultraref.registry import MODELS


@MODELS.register_module()
class SegDataPreprocessor(BaseDataPreprocessor):
    """Moves a batch to the device, and makes float tensors of it there.

    SAM's image stays in [0, 255]: the SAM that gets it scales it as its weights want.

    Images leave the workers as uint8 grey: a quarter of the bytes of float32 and a third of those of RGB.

    Args:
        coarse_mean: subtracted from the coarse network's image once that is in [0, 1].
        coarse_std: what it is divided by then. The reference uses mean 0 and std 1, which keeps [0, 1].
        hash_images: also give the hash of each image that SAM will see, which the embedding cache is keyed by.
        non_blocking: passed on to `Tensor.to`.
    """

    def __init__(
        self,
        coarse_mean: float = 0.0,
        coarse_std: float = 1.0,
        hash_images: bool = False,
        non_blocking: bool = True,
    ):
        super().__init__(non_blocking=non_blocking)
        self.coarse_mean, self.coarse_std = coarse_mean, coarse_std
        self.hash_images = hash_images

    def forward(self, data: dict, training: bool = False) -> dict:
        """Makes the models' inputs of a collated batch.

        Args:
            data: `inputs` with (B, 1, H, W) tensors, and `data_samples`; see `ultraref.datasets.collate.stack_collate`.
            training: not used: training and validation see the same.

        Returns:
            dict with `inputs`: `coarse_image` (B, 1, h, w) float32 in [0, 1] (normalised), `sam_image` (B, 3, S, S) float32 in
            [0, 255] (grey, three times the same memory), `coarse_prob` (B, 1, h, w) float32 in [0, 1] and `gt` (B, 1, H, W) float32 in [0, 1], those that were given; with
            `hash_images` also `image_hash`, a list of B hexadecimal digests; and `data_samples`, which stay where they were.
        """
        inputs: dict[str, Tensor] = {
            name: tensor.to(self.device, non_blocking=self._non_blocking) for name, tensor in data["inputs"].items()
        }
        if "coarse_image" in inputs:
            inputs["coarse_image"] = (inputs["coarse_image"].float() / 255 - self.coarse_mean) / self.coarse_std
        if "sam_image" in inputs:
            inputs["sam_image"] = inputs["sam_image"].float().expand(-1, 3, -1, -1)
        if "gt" in inputs:
            inputs["gt"] = inputs["gt"].float()
        if self.hash_images:
            # Of the bytes that SAM gets, so that no augmentation can make an entry of the cache wrong.
            inputs["image_hash"] = [sha256(image.numpy()).hexdigest() for image in data["inputs"]["sam_image"].cpu()]
        return dict(inputs=inputs, data_samples=data.get("data_samples"))
