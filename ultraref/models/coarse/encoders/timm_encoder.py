"""Any timm network that can return feature maps, as an encoder."""

from collections.abc import Sequence
from pathlib import Path

import timm
import torch
from torch import Tensor

from ultraref import provenance
from ultraref.checkpoint import load_weights_file, not_finite
from ultraref.errors import MissingFileError, UserError
from ultraref.models.coarse.encoders.base import BaseEncoder
from ultraref.models.coarse.encoders.timm_download import cached_weights
from ultraref.models.weights import note_weights, timm_profile
from ultraref.registry import MODELS


@MODELS.register_module()
class TimmEncoder(BaseEncoder):
    """A timm network built with `features_only`. With `CascadedUpsampler` it makes a U-Net.

    Images are normalised from [0, 1] with the mean and standard deviation that timm states for the network's weights
    (their means over RGB for grey images).

    Args:
        name: timm's name of the network, for example "resnet34" (`timm.list_models(pretrained=True)` lists them).
        pretrained: Whether timm downloads the network's published weights; a file that an earlier download left is taken as it is.
        checkpoint: File of such weights under timm's names (.pth or .safetensors), loaded by timm in place of a
            download.
        in_channels: Channels of the images, 1 or 3. For 1 timm sums the published first-layer weights over RGB.
        out_indices: Which of the network's feature maps to return, as timm counts them; None is all.
        **kwargs: Further arguments of the network, handed to `timm.create_model`.

    Raises:
        ValueError: unknown name, weights that can't be downloaded, a network without such feature maps, both `pretrained` and `checkpoint`, or a file
            that lacks weights or whose weights have other shapes.
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
            raise UserError("TimmEncoder takes pretrained=True (a download) or a checkpoint (a file), not both")
        if not timm.is_model(name):
            near = ", ".join(timm.list_models(f"*{name.split('_')[0].split('.')[0]}*")[:8]) or "none with a like name"
            raise UserError(f"timm {timm.__version__} has no network {name!r}; it has {near}")
        if checkpoint is not None:
            _check_names(name, Path(checkpoint), in_channels, kwargs)
            kwargs["pretrained_cfg_overlay"] = {"file": str(checkpoint)}
        elif pretrained:
            cached = cached_weights(name)
            if cached is not None:
                kwargs["pretrained_cfg_overlay"] = {"file": str(cached)}
        if out_indices is not None:
            kwargs["out_indices"] = tuple(out_indices)
        try:
            self.net = timm.create_model(
                name,
                pretrained=pretrained or checkpoint is not None,
                features_only=True,
                in_chans=in_channels,
                **kwargs,
            )
        except (RuntimeError, IndexError, AttributeError) as error:
            source = f" with the weights of {checkpoint}" if checkpoint is not None else ""
            raise UserError(
                f"timm can't build {name!r} as an encoder{source} (out_indices={out_indices}): {error}"
            ) from error
        # A fifth of the CPU's time for a training step, and what tensor cores want.
        self.net.to(memory_format=torch.channels_last)
        if checkpoint is not None:
            note_weights(self, checkpoint)
        elif pretrained:
            profile = timm_profile(name)
            provenance.record_weights(self, profile.name, profile.to_plain())
        self.in_channels = in_channels
        self.channels = tuple(self.net.feature_info.channels())
        self.reductions = tuple(self.net.feature_info.reduction())
        self._channels_last = str(getattr(self.net, "output_fmt", "NCHW")).endswith("NHWC")

        for statistic in ("mean", "std"):
            value = torch.tensor(self.net.pretrained_cfg.get(statistic, (0.5, 0.5, 0.5))).view(1, 3, 1, 1)
            value = value.mean(1, keepdim=True) if in_channels == 1 else value
            self.register_buffer(statistic, value, persistent=False)

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


def _check_names(name: str, checkpoint: Path, in_channels: int, kwargs: dict) -> None:
    """Checks that a file holds each weight of the network: timm itself loads without a word what happens to fit.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: weights are missing.
    """
    if not checkpoint.is_file():
        raise MissingFileError(f"TimmEncoder: the checkpoint {checkpoint} of {name} doesn't exist")
    with torch.device("meta"):
        expected = timm.create_model(name, in_chans=in_channels, num_classes=0, **kwargs).state_dict()
    found = _read_state(checkpoint)
    missing = [key for key in expected if key not in found and not key.endswith("num_batches_tracked")]
    if missing:
        raise UserError(
            f"{checkpoint} doesn't hold timm's {name}: {len(missing)} of {len(expected)} weights are missing "
            f"({', '.join(missing[:4])}, ...); the file has {', '.join(list(found)[:4])}, ..."
        )
    broken = not_finite(found)
    if broken:
        raise UserError(
            f"{checkpoint} holds numbers that aren't finite, in {len(broken)} entries: {', '.join(broken[:4])}"
        )


def _read_state(checkpoint: Path) -> dict[str, Tensor]:
    """Reads what timm will read; of a file that it can't, the message isn't torch's, which advises to run the code in it."""
    try:
        if checkpoint.suffix != ".safetensors":
            load_weights_file(checkpoint)
        return timm.models.load_state_dict(str(checkpoint))
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{checkpoint} can't be read as weights: it is damaged, or of another program ({error})"
        ) from error
