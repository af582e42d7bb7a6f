"""Resizes image and mask to the sizes that the networks take."""

import cv2
import numpy as np

from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResizeToModels:
    """Makes the networks' inputs, each from the original image, and the ground truth in the frame of the loss.

    Adds coarse_image, (coarse_size, coarse_size) uint8, sam_image, (sam_size, sam_size) uint8, and, where a mask is
    there, gt, uint8 in {0, 1}: pixels of which at least half are lesion. Sides that shrink are averaged over the area,
    sides that grow interpolated linearly. The aspect ratio is not kept, as in the reference.

    Args:
        coarse_size: height and width of the coarse network's frame in pixels; None when the model has none.
        sam_size: height and width of SAM's frame in pixels; None when the model has none.
        mask_size_from: "coarse" or "sam": the frame of gt.

    Raises:
        ValueError: no size was given, or none for the frame of gt.
    """

    def __init__(self, coarse_size: int | None = None, sam_size: int | None = None, mask_size_from: str = "coarse"):
        sizes = {"coarse": coarse_size, "sam": sam_size}
        if sizes.get(mask_size_from) is None:
            given = {name: size for name, size in sizes.items() if size is not None}
            raise ValueError(
                f"ResizeToModels: mask_size_from={mask_size_from!r} names no model with a size; it is 'coarse' or "
                f"'sam', and that model's size must be given. Sizes given: {given}"
            )
        self.sizes = {f"{name}_image": size for name, size in sizes.items() if size is not None}
        self.mask_size = sizes[mask_size_from]

    def __call__(self, results: dict) -> dict:
        for name, size in self.sizes.items():
            results[name] = resize(results["image"], size, size)
        if "mask" in results:
            # Interpolated as 0 and 255, for 8 bits of precision.
            soft = resize(results["mask"] * np.uint8(255), self.mask_size, self.mask_size)
            results["gt"] = cv2.threshold(soft, 127, 1, cv2.THRESH_BINARY)[1]
        return results


def resize(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes (H, W) keeping pixel centres: area averages along a side that shrinks, linear along one that grows."""
    shrunk = (min(height, array.shape[0]), min(width, array.shape[1]))
    if shrunk != array.shape:
        array = cv2.resize(array, shrunk[::-1], interpolation=cv2.INTER_AREA)
    if shrunk != (height, width):
        array = cv2.resize(array, (width, height), interpolation=cv2.INTER_LINEAR)
    return array
