"""Packs a sample for the model."""

import numpy as np
import torch

from ultraref.datasets.transforms.base import LesionTransform
from ultraref.registry import TRANSFORMS
from ultraref.structures import SegDataSample

_INPUTS = ("coarse_image", "sam_image", "coarse_prob")
_METAINFO = (
    "name",
    "dataset",
    "img_path",
    "seg_map_path",
    "split",
    "ori_shape",
    "fold",
    "image_hash",
    "coarse_origin",
    "content_size",
    "pixels_hash",
    "group",
    "group_kind",
    "attributes",
    "normal",
    "spacing",
)


@TRANSFORMS.register_module()
class PackSegInputs(LesionTransform):
    """Turns the sample's dict into dict(inputs=..., data_samples=SegDataSample).

    inputs holds what is present of coarse_image (1, h, h) uint8, sam_image (1, S, S) uint8, coarse_prob (1, h, h)
    float32, coarse_from_sample () bool and content_size (2,) int64, the (height, width) of sam_image that is not padding;
    images stay 8-bit grey and are normalised on the device. The data sample holds gt_sem_seg (1, ., .) uint8 and metainfo, among it `error_type`, the simulated error's name.

    Args:
        keep_original: whether to add the mask in the native frame as gt_original, for evaluation at the original size.
    """

    def __init__(self, keep_original: bool = False):
        self.keep_original = keep_original

    def transform(self, results: dict) -> dict:
        inputs = {name: _to_tensor(results[name]) for name in _INPUTS if name in results}
        if "coarse_from_sample" in results:
            inputs["coarse_from_sample"] = torch.tensor(results["coarse_from_sample"])
        if "content_size" in results:
            inputs["content_size"] = torch.tensor(results["content_size"])
        metainfo = {name: results[name] for name in _METAINFO if name in results}
        if "mask_error" in results:
            metainfo["error_type"] = results["mask_error"].get("error_type")
        sample = SegDataSample(metainfo=metainfo)
        if "gt" in results:
            sample.set_pixels("gt_sem_seg", _to_tensor(results["gt"]))
        if self.keep_original:
            sample.set_pixels("gt_original", _to_tensor(results["gt_seg_map"]))
        return {"inputs": inputs, "data_samples": sample}


def _to_tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))[None]
