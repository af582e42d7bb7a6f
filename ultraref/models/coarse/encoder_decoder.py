"""The coarse network: an encoder, a decoder and a two-class head."""

import inspect
from collections.abc import Mapping

from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.coarse.decoders.base import BaseDecoder
from ultraref.models.coarse.encoders.base import BaseEncoder
from ultraref.registry import MODELS


@MODELS.register_module()
class EncoderDecoder(nn.Module):
    """A coarse segmentation network of two parts that are named in the config and swapped separately.

    `R50ViTEncoder` with `CascadedUpsampler` is TransUNet; `TimmEncoder` with the same decoder is a U-Net.

    Args:
        image_size: Side of the square images in pixels: the coarse frame. The data pipeline resizes to it, and an encoder that
            has an `image_size` of its own gets it.
        encoder: Config of an encoder (`BaseEncoder`), without `in_channels`.
        decoder: Config of a decoder (`BaseDecoder`), without what depends on the encoder.
        num_classes: Classes of the output; class 1 is the lesion.
        in_channels: Channels of the images, 1 (grey) or 3 (RGB).

    Raises:
        UserError: `encoder` or `decoder` names something else.
    """

    def __init__(self, image_size: int, encoder: dict, decoder: dict, num_classes: int = 2, in_channels: int = 1):
        super().__init__()
        self.image_size = image_size
        self.encoder = MODELS.build(_with_image_size(dict(encoder, in_channels=in_channels), image_size))
        _check_kind("encoder", self.encoder, BaseEncoder)
        self.decoder = MODELS.build(
            dict(decoder, encoder_channels=self.encoder.channels, encoder_reductions=self.encoder.reductions)
        )
        _check_kind("decoder", self.decoder, BaseDecoder)
        self.head = nn.Conv2d(self.decoder.out_channels, num_classes, 3, padding=1)

    @property
    def reads_sam_image(self) -> bool:
        """Whether `forward` takes the batch's inputs as well, which the encoder then reads."""
        return self.encoder.reads_sam_image

    @property
    def sam_size(self) -> int:
        """Side of SAM's frame in pixels, of an encoder that reads SAM's image."""
        return self.encoder.sam_size

    def forward(self, image: Tensor, inputs: Mapping[str, Tensor] | None = None) -> Tensor:
        """Returns class logits at the size of the image.

        Args:
            image: (B, in_channels, h, w) float in [0, 1]; h and w divisible by the encoder's last reduction.
            inputs: of the batch, for an encoder that reads SAM's image.

        Returns:
            (B, num_classes, h, w) logits.

        Raises:
            ValueError: the image's channels or size don't fit the encoder.
        """
        features = self.encoder(image, inputs or {}) if self.reads_sam_image else self.encoder(image)
        return self.head(self.decoder(features))


def run_network(network: nn.Module, inputs: Mapping[str, Tensor]) -> Tensor:
    """Returns a coarse network's logits of a batch's `coarse_image`. One with `reads_sam_image` is also given the other inputs."""
    if getattr(network, "reads_sam_image", False):
        return network(inputs["coarse_image"], inputs)
    return network(inputs["coarse_image"])


def foreground_prob(logits: Tensor) -> Tensor:
    """Returns the lesion's probability, softmax(logits)[:, 1:2], in at least float32.

    Args:
        logits: (B, C, h, w) class logits, class 1 being the lesion.

    Returns:
        (B, 1, h, w) in [0, 1], float32, or float64 for float64 logits.
    """
    return (logits if logits.dtype.itemsize >= 4 else logits.float()).softmax(dim=1)[:, 1:2]


def _with_image_size(encoder: dict, image_size: int) -> dict:
    """Adds the image size to the config of an encoder that takes one and isn't given another."""
    component = MODELS.get(encoder["type"]) if isinstance(encoder["type"], str) else encoder["type"]
    if component is None or "image_size" not in inspect.signature(component).parameters:
        return encoder
    return {"image_size": image_size, **encoder}


def _check_kind(key: str, part: nn.Module, kind: type) -> None:
    if not isinstance(part, kind):
        raise UserError(f"EncoderDecoder: `{key}` names {type(part).__name__}, which is not a {kind.__name__}")
