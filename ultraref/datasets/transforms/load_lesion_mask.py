"""Loads the lesion mask."""

from ultraref.datasets.image_io import read_mask
from ultraref.datasets.transforms.base import LesionTransform
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadLesionMask(LesionTransform):
    """Reads results["seg_map_path"] and adds it as gt_seg_map, (H0, W0) uint8 in {0, 1}.

    `image_io.decode_mask` states the rule by which kinds of masks become that.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file can't be decoded, the rule doesn't decide, or its size is not that of the image.
    """

    needs_data_set = True

    def transform(self, results: dict) -> dict:
        mask = read_mask(results["seg_map_path"])
        image = results.get("img")
        if image is not None and mask.shape != image.shape:
            raise UserError(
                f"{results['seg_map_path']}: the mask is {mask.shape[0]} x {mask.shape[1]} (height x width), "
                f"but the image {results['img_path']} is {image.shape[0]} x {image.shape[1]}"
            )
        results["gt_seg_map"] = mask
        results.setdefault("seg_fields", []).append("gt_seg_map")
        return results
