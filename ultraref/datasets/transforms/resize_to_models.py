"""Resizes image and mask to the sizes that the networks take."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from ultraref.datasets.transforms.base import LesionTransform
from ultraref.datasets.transforms.frame_sizes import frame_size
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS

_NETWORKS = ("coarse", "sam")


@TRANSFORMS.register_module()
class ResizeToModels(LesionTransform):
    """Makes the networks' inputs, each from the original image, and the ground truth in the frame of the loss.

    Adds for each of `inputs` coarse_image or sam_image, (S, S) uint8, where S is results["sizes"] of that network, and,
    where a mask is there, gt, uint8 in {0, 1}, in the frame that `gt` names: pixels of which at least half are lesion.
    Sides that shrink are averaged over the area, sides that grow interpolated linearly.

    Args:
        inputs: the networks that get an image: "coarse", "sam" or both.
        gt: "coarse" or "sam": the network whose frame the ground truth has.
        sam_fit: how the image fills SAM's frame. "squash": each side to S; the aspect ratio is not kept, as in the reference.
            "pad": the longer side to S, what is left on the right and below is padding, as SAM and LiteMedSAM were trained. Adds
            content_size then, the (height, width) of what is not padding, which the model needs. The padding is 0 here; SAM pads
            its normalised input with 0, for which no grey value stands, and sets it when it normalises. The coarse network's
            frame is always squashed: it is trained from scratch, or on photographs of any shape.

    Raises:
        UserError: a network or fit is not known; later, the data set has no size for one, or img or gt_seg_map isn't grey
            8-bit or {0, 1}.
    """

    def __init__(self, inputs: Sequence[str] = ("coarse", "sam"), gt: str = "sam", sam_fit: str = "squash"):
        if isinstance(inputs, str) or not inputs or not set(inputs) <= set(_NETWORKS):
            raise UserError(f"ResizeToModels: inputs is {inputs!r}; it must be a list of 'coarse', 'sam' or both")
        if gt not in _NETWORKS:
            raise UserError(f"ResizeToModels: gt is {gt!r}; it must be 'coarse' or 'sam'")
        if sam_fit not in ("squash", "pad"):
            raise UserError(f"ResizeToModels: sam_fit is {sam_fit!r}; it must be 'squash' or 'pad'")
        self.inputs = tuple(inputs)
        self.gt = gt
        self.sam_fit = sam_fit

    def transform(self, results: dict) -> dict:
        image = checked_image(results, "ResizeToModels")
        for network in self.inputs:
            results[f"{network}_image"] = self._fit(image, network, resize, results)
        if "gt_seg_map" in results:
            results["gt"] = self._fit(results["gt_seg_map"], self.gt, resize_mask, results)
        return results

    def _fit(self, array: np.ndarray, network: str, resize: Callable, results: dict) -> np.ndarray:
        """Brings (H, W) into a network's frame."""
        size = frame_size(results, network, "ResizeToModels")
        if network == "coarse" or self.sam_fit == "squash":
            return resize(array, size, size)
        height, width = results["content_size"] = padded_content(*array.shape, size)
        return np.pad(resize(array, height, width), ((0, size - height), (0, size - width)))


def padded_content(height: int, width: int, size: int) -> tuple[int, int]:
    """Returns the (height, width) that an image has in a square frame when its longer side fills it.

    Rounded like ResizeLongestSide.get_preprocess_shape of segment_anything, and at least 1.
    """
    scale = size / max(height, width)
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def checked_image(results: dict, transform: str) -> np.ndarray:
    """Returns img, which transforms of other packages may have made into something else.

    Raises:
        ValueError: it is not (H, W) uint8.
    """
    image = results["img"]
    if image.ndim != 2 or image.dtype != np.uint8:
        raise UserError(
            f"{transform}: img is {image.dtype} {image.shape}, but the networks' images are made from grey 8-bit ones, "
            f"uint8 (H, W). Look for a transform before it that makes colours or normalises; the model normalises by "
            f"itself"
        )
    return image


def resize(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes (H, W) keeping pixel centres: area averages along a side that shrinks, linear along one that grows."""
    shrunk = (min(height, array.shape[0]), min(width, array.shape[1]))
    if shrunk != array.shape:
        array = cv2.resize(array, shrunk[::-1], interpolation=cv2.INTER_AREA)
    if shrunk != (height, width):
        array = cv2.resize(array, (width, height), interpolation=cv2.INTER_LINEAR)
    return array


def resize_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes (H, W) uint8 in {0, 1}; a pixel is lesion from half its area on.

    Raises:
        ValueError: the mask has other values.
    """
    if mask.size and mask.max() > 1:
        raise UserError(
            f"gt_seg_map has the value {mask.max()}, but is 0 for background and 1 for lesion. Transforms of MMCV and "
            f"MMSegmentation pad with 255: give Pad pad_val=dict(img=0, seg=0), and RandomRotate seg_pad_val=0"
        )
    # Interpolated as 0 and 255, for 8 bits of precision.
    return cv2.threshold(resize(mask * np.uint8(255), height, width), 127, 1, cv2.THRESH_BINARY)[1]
