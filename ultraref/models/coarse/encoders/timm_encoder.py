"""Any timm network that can return feature maps, as an encoder."""

from collections.abc import Sequence
from pathlib import Path

import timm
import torch
from torch import Tensor

from ultraref.models.coarse.encoders.base import BaseEncoder
from ultraref.registry import MODELS


@MODELS.register_module()
class TimmEncoder(BaseEncoder):
    """A timm network built with `features_only`. With `CascadedUpsampler` it makes a U-Net.

    Args:
        name: timm's name of the network, for example "resnet34" (`timm.list_models(pretrained=True)` lists them).
        pretrained: Whether timm downloads the network's published weights.
        checkpoint: File of such weights, loaded by timm instead of a download (.pth or .safetensors).
        in_channels: Channels of the images, 1 or 3. For 1 timm sums the published first-layer weights over RGB.
        out_indices: Which of the network's feature maps to return, as timm counts them; None is all.
        **kwargs: Further arguments of the network, handed to `timm.create_model`.

    Images are normalised from [0, 1] with the mean and standard deviation that timm states for the network's weights
    (their means over RGB for grey images).

    Raises:
        ValueError: unknown name, a network without feature maps, both `pretrained` and `checkpoint`, or a file whose
            weights don't fit.
        FileNotFoundError: `checkpoint` doesn't exist.
    """

    def __init__(
        self,
        name: str,
        pretrained: bool = False,
        checkpoint: str | Path | None = None,
        in_channels: int = 1,
        out_indices: Sequence[int] | None = None,
        **kwargs,
    ):
        super().__init__()
        if pretrained and checkpoint is not None:
            raise ValueError("TimmEncoder takes pretrained=True (a download) or a checkpoint (a file), not both")
        if not timm.is_model(name):
            near = ", ".join(timm.list_models(f"*{name.split('_')[0].split('.')[0]}*")[:8]) or "none with a like name"
            raise ValueError(f"timm {timm.__version__} has no network {name!r}; it has {near}")
        if out_indices is not None:
            kwargs["out_indices"] = tuple(out_indices)
        if checkpoint is not None:
            if not Path(checkpoint).is_file():
                raise FileNotFoundError(f"TimmEncoder: the checkpoint {checkpoint} of {name} doesn't exist")
            kwargs["pretrained_cfg_overlay"] = {"file": str(checkpoint)}
        try:
            self.net = timm.create_model(
                name,
                pretrained=pretrained or checkpoint is not None,
                features_only=True,
                in_chans=in_channels,
                **kwargs,
            )
        except RuntimeError as error:
            source = f"with the weights of {checkpoint}" if checkpoint is not None else "as an encoder"
            raise ValueError(f"timm can't build {name} {source}: {error}") from error
        self.in_channels = in_channels
        self.channels = tuple(self.net.feature_info.channels())
        self.reductions = tuple(self.net.feature_info.reduction())
        self._channels_last = str(getattr(self.net, "output_fmt", "NCHW")).endswith("NHWC")

        stated = self.net.pretrained_cfg if hasattr(self.net, "pretrained_cfg") else {}
        for buffer, default in (("mean", 0.5), ("std", 0.5)):
            value = torch.tensor(stated.get(buffer, (default,) * 3)).view(1, 3, 1, 1)
            if in_channels == 1:
                value = value.mean(1, keepdim=True)
            self.register_buffer(buffer, value, persistent=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Returns the feature maps of `image`; see `BaseEncoder.forward`.

        Raises:
            ValueError: the image's channels or size don't fit.
        """
        self.check_image(image)
        features = self.net((image - self.mean) / self.std)
        if self._channels_last:
            features = [feature.permute(0, 3, 1, 2) for feature in features]
        return list(features)
