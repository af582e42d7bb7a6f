"""Resizes to SAM's input and keeps the aspect ratio."""

import numpy as np

from ultraref.datasets.transforms.base import LesionTransform
from ultraref.datasets.transforms.frame_sizes import frame_size
from ultraref.datasets.transforms.resize_to_models import checked_image, resize, resize_mask
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResizeLongestSide(LesionTransform):
    """Brings the longer side to SAM's size S, results["sizes"]["sam"], and pads below and to the right.

    Adds sam_image, (S, S) uint8; content_size, the (height, width) of what is not padding, at the top left; and, where
    a mask is there, gt, (S, S) uint8 in {0, 1}: pixels of which at least half are lesion, 0 in the padding.

    `segment_anything` does it so, but pads its normalised input with 0, for which no grey value stands; the padding is
    0 here, and SAM sets it once the image is normalised. `ResizeToModels` squashes to a square instead, as the reference
    does.

    Raises:
        ValueError: the data set has no size for SAM, or img or gt_seg_map isn't grey 8-bit or {0, 1}.
    """

    def transform(self, results: dict) -> dict:
        image, size = checked_image(results, "ResizeLongestSide"), frame_size(results, "sam", "ResizeLongestSide")
        height, width = image.shape
        # Rounded like ResizeLongestSide.get_preprocess_shape of segment_anything.
        scale = size / max(height, width)
        content = (max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5)))
        padding = ((0, size - content[0]), (0, size - content[1]))
        results["content_size"] = content
        results["sam_image"] = np.pad(resize(image, *content), padding)
        if "gt_seg_map" in results:
            results["gt"] = np.pad(resize_mask(results["gt_seg_map"], *content), padding)
        return results
