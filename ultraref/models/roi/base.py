"""What finds the region of interest, cuts it out and puts the result back."""

from abc import ABCMeta, abstractmethod

from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.roi import resample


class BaseROICropper(nn.Module, metaclass=ABCMeta):
    """Finds a box around the lesion. Crop and paste are the same for every cropper.

    Boxes are xyxy in pixel-index units of a named frame; their numbers are the edges of the area, so the whole frame
    is (-0.5, -0.5, W - 0.5, H - 0.5), see `ultraref.models.roi.geometry`. A box may reach past the frame, where
    samples are 0.

    Contract of `forward`: boxes are finite, have x1 < x2 and y1 < y2, share area with the frame, and are at most
    twice as long as the frame along each axis; a sample's box doesn't depend on the rest of the batch.

    Attributes:
        outside: 'background' or 'coarse': what the pasted probability is outside of the box. Whoever calls `paste`
            hands in zeros or the coarse probability accordingly.
        image_grad: whether gradients pass through the crop of the image.

    Raises:
        ValueError: `outside` is something else.
    """

    OUTSIDES = ("background", "coarse")

    def __init__(self, outside: str = "background", image_grad: bool = False):
        super().__init__()
        if outside not in self.OUTSIDES:
            raise UserError(f"{type(self).__name__}: outside={outside!r}, but it must be one of {self.OUTSIDES}")
        self.outside, self.image_grad = outside, image_grad

    @abstractmethod
    def forward(self, prob: Tensor, coarse_pixel_area: float = 1.0) -> Tensor:
        """Finds the boxes.

        Args:
            prob: (B, 1, H, W) coarse probability in [0, 1].
            coarse_pixel_area: area of one pixel of the coarse network in pixels of this frame. A mask with less mass is
                empty, and gets the whole frame.

        Returns:
            (B, 4) xyxy in the frame of `prob`, float32, or float64 for a float64 `prob`.
        """

    def crop(self, x: Tensor, box: Tensor, size: int) -> Tensor:
        """Cuts (B, C, H, W) out to (B, C, size, size), bilinearly; gradients reach `x` and `box`."""
        return resample.crop_bilinear(x, box, size)

    def crop_image(self, image: Tensor, box: Tensor, size: int) -> Tensor:
        """Does the same for the image that SAM sees, without gradients unless `image_grad` is set.

        Gradients through a frozen image encoder cost its whole backward pass. Those through prompts, mask crop, paste
        and gate are there either way.
        """
        if not self.image_grad:
            image, box = image.detach(), box.detach()
        return self.crop(image, box, size)

    def crop_area(self, x: Tensor, box: Tensor, size: int) -> Tensor:
        """Cuts (B, C, H, W) out to (B, C, size, size), averaging over areas; for ground truth at SAM's mask size."""
        return resample.crop_area(x, box, size)

    def paste(self, prob: Tensor, box: Tensor, size: tuple[int, int], outside: Tensor) -> Tensor:
        """Puts (B, 1, s, s) back into a frame of `size` (height, width), with `outside` (B, 1, H, W) around the box."""
        return resample.paste(prob, box, size, outside)

    def paste_logits(self, logits: Tensor, box: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Puts logits (B, 1, s, s) back likewise; returns them with where they are, (B, 1, H, W) bool."""
        return resample.paste_logits(logits, box, size)
