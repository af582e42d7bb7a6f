"""Loads the ultrasound image."""

import hashlib

from ultraref.datasets.image_io import decode_image, read_bytes
from ultraref.datasets.transforms.base import LesionTransform
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS


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
        data = read_bytes(path)
        expected = results.get("image_hash")
        if expected is not None and hashlib.sha256(data).hexdigest() != expected:
            raise UserError(
                f"{path}: is not the file that splits.json records (its sha256 differs); "
                "run the converter again, and whatever was made from the images before"
            )
        results["img"] = decode_image(data, path)
        results["img_shape"] = results["ori_shape"] = results["img"].shape
        return results
