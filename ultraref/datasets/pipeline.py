"""Runs the transforms of a data set on one sample, and watches those that were written elsewhere."""

from collections.abc import Callable, Sequence

import numpy as np

from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS

# What transforms of MMCV and MMSegmentation write when they may move pixels.
_GEOMETRY_KEYS = ("scale_factor", "flip", "flip_direction", "crop_bbox", "homography_matrix")


class Pipeline:
    """Transforms in a row.

    A coarse probability has a frame of its own, of which a transform for images and masks alone knows nothing. So that
    the two never drift apart unseen, a sample is refused when

    - a transform moves pixels once coarse_prob is there, and leaves coarse_prob as it is;
    - pixels were moved before a stored coarse_prob, which fits the image as it is on disk, is loaded.

    A transform with a `moves_pixels` attribute is believed (see `LesionTransform`). Any other is taken to move pixels
    if it changes gt_seg_map, the size of img, or a key such as flip or scale_factor; a warp of an image whose mask is
    empty can't be seen so.

    Args:
        transforms: configs or callables; each takes and returns the dict of one sample.

    Attributes:
        transforms: the callables.
    """

    def __init__(self, transforms: Sequence[dict | Callable] = ()):
        self.transforms = [TRANSFORMS.build(step) if isinstance(step, dict) else step for step in transforms]

    def __call__(self, results: dict):
        """Returns what the last transform returns.

        Raises:
            ValueError: a transform returned None, or image and coarse_prob have drifted apart.
        """
        moved_by = None
        for step in self.transforms:
            name, before, watched = results.get("name"), _geometry(results), not hasattr(step, "moves_pixels")
            if watched and before["gt_seg_map"] is not None:
                # A transform may write to the mask that it is given.
                before["gt_seg_map"] = before["gt_seg_map"].copy()
            results = step(results)
            if results is None:
                raise UserError(
                    f"pipeline: {_name(step)} returned None for the sample {name!r}; a transform returns the sample's "
                    f"dict, and none may drop a sample"
                )
            if not isinstance(results, dict):
                return results
            after = _geometry(results)
            changed = _changes(before, after) if watched else []
            if changed and before["coarse_prob"] is not None and after["coarse_prob"] is before["coarse_prob"]:
                raise UserError(
                    f"pipeline: {_name(step)} moves pixels ({', '.join(changed)} changed) and leaves coarse_prob "
                    f"behind. Put it before SimulateCoarse. A stored prediction fits the image as it is on disk: use a "
                    f"transform that carries coarse_prob along, such as RandomRotateFlip"
                )
            if moved_by and before["coarse_prob"] is None and results.get("coarse_origin") == "stored":
                raise UserError(
                    f"pipeline: {moved_by} moves pixels before {_name(step)} loads a stored coarse_prob, which fits "
                    f"the image as it is on disk. Put {_name(step)} first, and after it only transforms that carry "
                    f"coarse_prob along, such as RandomRotateFlip"
                )
            if changed or getattr(step, "moves_pixels", False):
                moved_by = moved_by or _name(step)
        return results


def _geometry(results: dict) -> dict:
    image = results.get("img")
    return {
        "img": None if image is None else image.shape[:2],
        "gt_seg_map": results.get("gt_seg_map"),
        "coarse_prob": results.get("coarse_prob"),
        **{key: results[key] for key in _GEOMETRY_KEYS if key in results},
    }


def _changes(before: dict, after: dict) -> list[str]:
    """Names what shows that pixels were moved; an image or a mask that has just been loaded doesn't."""
    changed = [
        key for key in ("img", "gt_seg_map") if before[key] is not None and not np.array_equal(before[key], after[key])
    ]
    return changed + [
        key
        for key in _GEOMETRY_KEYS
        if key in after and (key not in before or not np.array_equal(before[key], after[key]))
    ]


def _name(step: Callable) -> str:
    return getattr(step, "__name__", type(step).__name__)
