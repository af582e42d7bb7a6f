"""What an encoder is: image -> feature maps, finest first."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from ultraref.errors import UserError


class BaseEncoder(nn.Module, ABC):
    """Turns an image into feature maps at growing reductions.

    A subclass sets three attributes in its constructor, from which the decoder is built:

    Attributes:
        in_channels: channels of the images that it takes, 1 (grey) or 3 (RGB).
        channels: channels of each feature map, finest map first.
        reductions: how many image pixels one step of each map spans, for example (2, 4, 8, 16). Strictly growing.
        reads_sam_image: whether `forward` takes the batch's inputs as well, for what SAM sees of the image. Such an encoder has `sam_size`, the
            side of SAM's frame.
    """

    in_channels: int
    channels: tuple[int, ...]
    reductions: tuple[int, ...]
    reads_sam_image: bool = False

    @abstractmethod
    def forward(self, image: Tensor) -> list[Tensor]:
        """Returns the feature maps of `image`.

        Args:
            image: (B, in_channels, h, w) float in [0, 1], h and w divisible by `reductions[-1]`. The encoder itself
                normalises it as its weights want it.

        Returns:
            One (B, channels[i], h / reductions[i], w / reductions[i]) tensor for each i, finest first.
        """

    def check_image(self, image: Tensor) -> None:
        """Checks the shape of an image against what the encoder was built for.

        Raises:
            ValueError: not four axes, another number of channels, or a size that `reductions[-1]` doesn't divide.
        """
        name = type(self).__name__
        if image.ndim != 4:
            raise UserError(f"{name} takes images of shape (B, C, h, w), but got shape {tuple(image.shape)}")
        _, channels, height, width = image.shape
        if channels != self.in_channels:
            raise UserError(
                f"{name} was built with in_channels={self.in_channels}, but got an image of {channels} channels; "
                "set in_channels of the coarse network to what the data pipeline delivers"
            )
        step = self.reductions[-1]
        if height % step or width % step or not height or not width:
            raise UserError(
                f"{name} takes images whose height and width are divisible by {step}, but got {height} x {width}; "
                f"the nearest size is {_nearest_multiple(height, step)} x {_nearest_multiple(width, step)}"
            )


def _nearest_multiple(length: int, step: int) -> int:
    return max(step, step * round(length / step))
