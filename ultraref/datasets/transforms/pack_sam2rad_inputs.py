"""Packs a sample for SAM2Rad."""

import torch

from ultraref.datasets.transforms.pack_seg_inputs import PackSegInputs
from ultraref.registry import TRANSFORMS

_POINT_KEYS = ("gt_points", "gt_point_labels", "gt_points_valid")


@TRANSFORMS.register_module()
class PackSAM2RadInputs(PackSegInputs):
    """As `PackSegInputs`, with what `SAM2RadSegmentor` reads beyond it.

    inputs also holds content_size, (2,) int64, the (height, width) of sam_image that is not padding, which the metainfo
    has too; and, where the points of the ground truth are there, gt_points (N, 2) float32, gt_point_labels (N,) float32
    and gt_points_valid () bool.

    Args:
        keep_original: whether to add the mask in the native frame as gt_original, for evaluation at the original size.
    """

    def transform(self, results: dict) -> dict:
        packed = super().transform(results)
        content_size = tuple(results.get("content_size", results["sam_image"].shape))
        packed["inputs"]["content_size"] = torch.tensor(content_size)
        for key in _POINT_KEYS:
            if key in results:
                packed["inputs"][key] = torch.as_tensor(results[key])
        packed["data_samples"].set_metainfo({"content_size": content_size})
        return packed
