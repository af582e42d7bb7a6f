"""One image as a metric sees it: truth, probabilities and masks in one frame."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

# Fields of the data sample that are measured, and the groups under which their metrics are logged.
GROUPS = ("coarse", "refined", "sam")
# What `Case.emptiness` says of a prediction, as in the table of cases.
EMPTY_PREDICTION, EMPTY_TRUTH, BOTH_EMPTY = "prediction", "truth", "both"


class Case:
    """One image.

    Args:
        sample: a `SegDataSample` as a dict.
        target: (H, W) bool, the truth in the frame in which is measured.
        threshold: a pixel is lesion where its probability is above it.

    Attributes:
        sample: as given; metainfo is among its keys.
        target: as given.
        probs: group -> (H, W) float in [0, 1], for those of GROUPS that the sample has, resized bilinearly to the target's frame.
        masks: group -> (H, W) bool, on the target's device.
        spacing: (row, column) distance in mm of two pixels of the target's frame, where the sample says `spacing`, that of its
            native frame of `ori_shape`; else None.
    """

    def __init__(self, sample: Mapping, target: Tensor, threshold: float = 0.5):
        self.sample, self.target = sample, target
        self.probs = {group: _resized(sample[group]["data"], target) for group in GROUPS if group in sample}
        self.masks = {group: (prob > threshold).to(target.device) for group, prob in self.probs.items()}
        self.spacing = _spacing_in_frame(sample, tuple(target.shape))
        # One copy to the host for all.
        sizes = torch.stack([mask.sum() for mask in (target, *self.masks.values())]).tolist()
        self.lesion_area = sizes[0]
        self._areas = dict(zip(self.masks, sizes[1:]))

    @property
    def is_normal(self) -> bool:
        """Whether the set says that the image has no lesion, so that it is judged by false alarms alone."""
        return bool(self.sample.get("normal", False))

    def found_area(self, group: str) -> int:
        """Returns the number of pixels of a group's mask."""
        return self._areas[group]

    def emptiness(self, group: str) -> str:
        """Returns which of prediction and truth is empty: "prediction", "truth", "both", or "" for none."""
        if self._areas[group]:
            return "" if self.lesion_area else EMPTY_TRUTH
        return EMPTY_PREDICTION if self.lesion_area else BOTH_EMPTY


def _resized(prob: Tensor, target: Tensor) -> Tensor:
    if prob.shape[-2:] != target.shape:
        prob = F.interpolate(prob[None].float(), target.shape, mode="bilinear", align_corners=False)[0]
    return prob[0]


def _spacing_in_frame(sample: Mapping, shape: tuple[int, int]) -> tuple[float, float] | None:
    spacing = sample.get("spacing")
    if spacing is None:
        return None
    native = sample.get("ori_shape", shape)
    return tuple(float(mm) * old / new for mm, old, new in zip(spacing, native, shape))
