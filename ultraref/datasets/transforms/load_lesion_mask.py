"""Loads the lesion mask."""

from ultraref.datasets.image_io import decode_mask
from ultraref.datasets.recorded_files import read_recorded
from ultraref.datasets.transforms.base import LesionTransform
from ultraref.datasets.transforms.load_image import NOT_RECORDED
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadLesionMask(LesionTransform):
    """Reads results["seg_map_path"] and adds it as gt_seg_map, (H0, W0) uint8 in {0, 1}.

    `image_io.decode_mask` states the rule by which kinds of masks become that. Where results["mask_hash"] is given the file's
    sha256 must equal it: a mask that was written over is no ground truth.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file can't be decoded, is another one than splits.json records, the rule doesn't decide, or its size is
            not that of the image.
    """

    needs_data_set = True

    def transform(self, results: dict) -> dict:
        path = results["seg_map_path"]
        mask = decode_mask(read_recorded(path, results.get("mask_hash"), NOT_RECORDED), path)
        image = results.get("img")
        if image is not None and mask.shape != image.shape:
            raise UserError(
                f"{path}: the mask is {mask.shape[0]} x {mask.shape[1]} (height x width), "
                f"but the image {results['img_path']} is {image.shape[0]} x {image.shape[1]}"
            )
        results["gt_seg_map"] = mask
        results.setdefault("seg_fields", []).append("gt_seg_map")
        return results
