"""One image with its ground truth and what a model says of it."""

from mmengine.structures import BaseDataElement, PixelData
from torch import Tensor
from torch.nn import functional as F


class SegDataSample(BaseDataElement):
    """Named fields of one sample. All are optional; absent means not loaded or not predicted.

    Ground truth, filled by the data pipeline:
        gt_sem_seg: PixelData, data (1, H, W) uint8 in {0, 1}, in the frame that the loss uses.
        gt_original: PixelData, data (1, H0, W0) uint8 in {0, 1}, in the image's native frame (validation and test only).
        coarse: PixelData, data (1, h, w) float32 in [0, 1], coarse probability in the coarse network's frame. In a
            prediction: the coarse probability in the frame of `refined`.

    Predictions, all (1, H, W) float32 in [0, 1] and in one frame:
        refined: PixelData, the final probability, after the gate.
        sam: PixelData, SAM's probability q, before the gate.
        gate: PixelData, the weight of `sam` in `refined`.
        prompts: BaseDataElement with what was handed to SAM, in pixels of that frame: `points` (n, N, 2), `labels` (n, N), `box` and
            `roi` (n, 4), n being 1 or the number of components that SAM was asked about one by one.
        members: of an ensemble's mean, a list with the sample of each of its models.

    Metainfo: `name`, `img_path`, `seg_map_path`, `ori_shape` (height, width), `fold` (int or None), `image_hash`, `coarse_dice`,
    `error_type`, `coarse_empty`, `predicted_iou` (float, or None where SAM was not asked); `predicted_dice`, (float, float) of
    coarse and SAM's mask, or None likewise, and `predicted_harm` of a model with a quality head; `opinion`, IoU of SAM's mask with
    that of a second coarse network; `consistency`, mean pairwise Dice of
    the masks that a mean is of; `pixels_hash`, `group`, `group_kind`
    and `attributes` (`Splits.describe`); `spacing`, (row, column) distance in mm of two pixels of the native frame.
    """

    PIXEL_FIELDS = ("gt_sem_seg", "gt_original", "coarse", "refined", "sam", "gate")

    def set_pixels(self, name: str, data) -> None:
        """Stores a (1, H, W) array or tensor as the field `name`.

        Raises:
            KeyError: `name` is not one of PIXEL_FIELDS.
        """
        if name not in self.PIXEL_FIELDS:
            raise KeyError(f"SegDataSample has no pixel field {name!r}; it has {', '.join(self.PIXEL_FIELDS)}")
        self.set_field(PixelData(data=data), name, dtype=PixelData)

    @property
    def final(self) -> str:
        """Name of the field that is the model's answer: "refined", or "coarse" of a model that doesn't refine."""
        return "refined" if "refined" in self else "coarse"

    def native_prob(self, name: str) -> Tensor:
        """Returns the field `name`, a probability, in the image's native frame: (H0, W0) float32, resized bilinearly."""
        prob = self.get(name).data[None].float()
        return F.interpolate(prob, self.metainfo["ori_shape"], mode="bilinear", align_corners=False)[0, 0]
