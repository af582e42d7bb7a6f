"""Decodes the lesion mask of a COCO annotation."""

from ultraref.datasets.coco_segmentation import decode_union
from ultraref.datasets.transforms.base import LesionTransform
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadCocoMask(LesionTransform):
    """Decodes results["mask_codes"], as `CocoLesionDataset` gives them, and adds gt_seg_map, (H0, W0) uint8 in
    {0, 1}.

    Raises:
        ValueError: the mask's size is not that of the image.
    """

    needs_data_set = True

    def transform(self, results: dict) -> dict:
        mask = decode_union(results["mask_codes"], results["mask_size"])
        image = results.get("img")
        if image is not None and mask.shape != image.shape:
            raise UserError(
                f"{results['img_path']}: is {image.shape[0]} x {image.shape[1]} (height x width), but its annotations "
                f"are for {mask.shape[0]} x {mask.shape[1]}"
            )
        results["gt_seg_map"] = mask
        results.setdefault("seg_fields", []).append("gt_seg_map")
        return results
