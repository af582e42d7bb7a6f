"""Packs a sample for SAM2Rad."""

import torch

from ultraref.datasets.transforms.pack_seg_inputs import PackSegInputs
from ultraref.registry import TRANSFORMS

_POINT_KEYS = ("gt_points", "gt_point_labels", "gt_points_valid")


@TRANSFORMS.register_module()
class PackSAM2RadInputs(PackSegInputs):
    """As `PackSegInputs`, with what `SAM2RadSegmentor` reads beyond it.

    content_size is always there; and, where the points of the ground truth are, inputs also holds gt_points (N, 2) float32,
    gt_point_labels (N,) float32 and gt_points_valid () bool.

    Args:
        keep_original: whether to add the mask in the native frame as gt_original, for evaluation at the original size.
    """

    def transform(self, results: dict) -> dict:
        results.setdefault("content_size", results["sam_image"].shape)
        packed = super().transform(results)
        for key in _POINT_KEYS:
            if key in results:
                packed["inputs"][key] = torch.as_tensor(results[key])
        return packed
