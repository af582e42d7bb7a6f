"""Loads the lesion mask."""

from ultraref.datasets.image_io import read_mask
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadLesionMask:
    """Reads results["mask_path"] and adds it as mask, (H0, W0) uint8 in {0, 1}; `image_io.decode_mask` states the rule.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file can't be decoded, the rule doesn't decide, or its size is not that of the image.
    """

    def __call__(self, results: dict) -> dict:
        mask = read_mask(results["mask_path"])
        image = results.get("image")
        if image is not None and mask.shape != image.shape:
            raise ValueError(
                f"{results['mask_path']}: the mask is {mask.shape[0]} x {mask.shape[1]} (height x width), "
                f"but the image {results['img_path']} is {image.shape[0]} x {image.shape[1]}"
            )
        results["mask"] = mask
        return results
