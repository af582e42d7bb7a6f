"""Resizes to SAM's input and keeps the aspect ratio."""

import cv2
import numpy as np

from ultraref.datasets.transforms.resize_to_models import resize
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResizeLongestSide:
    """Brings the longer side to SAM's size and pads below and to the right, as `segment_anything` does.

    Adds sam_image, (S, S) uint8; content_size, the (height, width) of what is not padding, at the top left; and, where
    a mask is there, gt, (S, S) uint8 in {0, 1}: pixels of which at least half are lesion, 0 in the padding.

    SAM pads its normalised input with 0, for which no grey value stands; the padding is 0 here, and `SAM2RadSegmentor`
    sets it once the image is normalised. `ResizeToModels` squashes to a square instead, as the reference does.

    Args:
        sam_size: S in pixels.
    """

    def __init__(self, sam_size: int):
        self.sam_size = sam_size

    def __call__(self, results: dict) -> dict:
        height, width = results["image"].shape
        # Rounded like ResizeLongestSide.get_preprocess_shape of segment_anything.
        scale = self.sam_size / max(height, width)
        content = (max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5)))
        results["content_size"] = content
        results["sam_image"] = self._pad(resize(results["image"], *content))
        if "mask" in results:
            # Interpolated as 0 and 255, for 8 bits of precision.
            soft = resize(results["mask"] * np.uint8(255), *content)
            results["gt"] = self._pad(cv2.threshold(soft, 127, 1, cv2.THRESH_BINARY)[1])
        return results

    def _pad(self, array: np.ndarray) -> np.ndarray:
        height, width = array.shape
        return np.pad(array, ((0, self.sam_size - height), (0, self.sam_size - width)))
