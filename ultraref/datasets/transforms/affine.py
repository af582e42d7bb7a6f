"""One affine map for image, mask and coarse probability."""

import cv2
import numpy as np


def warp_sample(results: dict, affine: np.ndarray) -> None:
    """Moves img, gt_seg_map and coarse_prob of a sample along one affine map of the native frame.

    The coarse probability, whose frame is a resized (often squeezed) native frame, undergoes the same map, carried over
    into its frame: with pixel j centred at j, x_coarse = (x + 0.5) w / W - 0.5. What comes in from outside is black,
    background and probability 0. The image and the probability are interpolated linearly; the mask too, and is cut at
    one half.

    Args:
        results: the dict of a sample, which is changed; gt_seg_map and coarse_prob may be absent.
        affine: (3, 3), (x, y, 1) -> (x', y', 1) in pixels of the native frame.
    """
    shape = results["img"].shape
    results["img"] = warp(results["img"], affine)
    if "gt_seg_map" in results:
        # Interpolated as 0 and 255, for 8 bits of precision.
        soft = warp(results["gt_seg_map"] * np.uint8(255), affine)
        results["gt_seg_map"] = cv2.threshold(soft, 127, 1, cv2.THRESH_BINARY)[1]
    if "coarse_prob" in results:
        coarse = results["coarse_prob"]
        to_coarse = frame_matrix(shape, coarse.shape)
        results["coarse_prob"] = warp(coarse, to_coarse @ affine @ np.linalg.inv(to_coarse))


def frame_matrix(source: tuple[int, int], target: tuple[int, int]) -> np.ndarray:
    """Returns the (3, 3) map of pixel coordinates between frames of sizes (height, width), keeping pixel centres."""
    scale_y, scale_x = target[0] / source[0], target[1] / source[1]
    return np.array([[scale_x, 0, 0.5 * scale_x - 0.5], [0, scale_y, 0.5 * scale_y - 0.5], [0, 0, 1]])


def warp(array: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Moves the content of (H, W) along the map, linearly interpolated; zero comes in from outside."""
    height, width = array.shape
    return cv2.warpAffine(array, matrix[:2], (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
