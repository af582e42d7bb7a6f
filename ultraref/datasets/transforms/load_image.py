"""Loads the ultrasound image."""

from ultraref.datasets.image_io import decode_image
from ultraref.datasets.recorded_files import read_recorded
from ultraref.datasets.transforms.base import LesionTransform
from ultraref.registry import TRANSFORMS

# What is wrong with a file of another sha256.
NOT_RECORDED = (
    "splits.json records (its sha256 differs); run the converter again, and whatever was made from the images before"
)


@TRANSFORMS.register_module()
class LoadImage(LesionTransform):
    """Reads results["img_path"] as 8-bit grey (`image_io.decode_image` says how other kinds become that).

    Adds img, (H0, W0) uint8, and ori_shape and img_shape, both (H0, W0). Where results["image_hash"] is given the
    file's sha256 must equal it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file can't be decoded, or is another one than splits.json records.
    """

    needs_data_set = True

    def transform(self, results: dict) -> dict:
        path = results["img_path"]
        results["img"] = decode_image(read_recorded(path, results.get("image_hash"), NOT_RECORDED), path)
        results["img_shape"] = results["ori_shape"] = results["img"].shape
        return results
