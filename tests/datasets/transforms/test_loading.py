"""Loading of image, mask and coarse probability."""

import hashlib
import os

import numpy as np
import pytest

from ultraref.datasets.image_io import encode_png
from ultraref.datasets.prediction_store import PredictionManifest, PredictionStore
from ultraref.datasets.transforms import LoadCoarsePrediction, LoadImage, LoadLesionMask
from ultraref.errors import UserError

IMAGE = np.arange(20, dtype=np.uint8).reshape(4, 5)


@pytest.fixture
def results(tmp_path):
    """The dict of a sample whose files are IMAGE and its pixels above 9."""
    data = encode_png(IMAGE)
    (tmp_path / "image.png").write_bytes(data)
    (tmp_path / "mask.png").write_bytes(encode_png((IMAGE > 9) * np.uint8(255)))
    return {
        "name": "image",
        "dataset": "toy",
        "img_path": str(tmp_path / "image.png"),
        "seg_map_path": str(tmp_path / "mask.png"),
        "image_hash": hashlib.sha256(data).hexdigest(),
    }


def test_image_and_mask(results):
    results = LoadLesionMask()(LoadImage()(results))
    np.testing.assert_array_equal(results["img"], IMAGE)
    np.testing.assert_array_equal(results["gt_seg_map"], IMAGE > 9)
    assert (results["img"].dtype, results["gt_seg_map"].dtype) == (np.uint8, np.uint8)
    assert results["ori_shape"] == results["img_shape"] == (4, 5)
    assert results["seg_fields"] == ["gt_seg_map"]


def test_another_file_than_the_recorded_one_is_refused(results, tmp_path):
    (tmp_path / "image.png").write_bytes(encode_png(IMAGE + 1))
    with pytest.raises(ValueError, match=r"image\.png.*sha256 differs.*converter again"):
        LoadImage()(results)
    del results["image_hash"]
    np.testing.assert_array_equal(LoadImage()(results)["img"], IMAGE + 1)


def test_masks_overwritten_by_predictions_are_refused(results, tmp_path):
    mask = tmp_path / "mask.png"
    results["mask_hash"] = hashlib.sha256(mask.read_bytes()).hexdigest()
    LoadLesionMask()(LoadImage()(dict(results)))
    # Of the same size in bytes, as a prediction may be, and with the same time.
    status = mask.stat()
    mask.write_bytes(encode_png((IMAGE > 10) * np.uint8(255)))
    os.utime(mask, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    with pytest.raises(UserError, match=r"mask\.png: is not the file that splits\.json records"):
        LoadLesionMask()(LoadImage()(dict(results)))


def test_an_unreadable_image_is_named(results, tmp_path):
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    results["image_hash"] = None
    with pytest.raises(ValueError, match=r"image\.png: can't be read as PNG"):
        LoadImage()(results)


def test_a_mask_of_another_size_is_refused(results, tmp_path):
    (tmp_path / "mask.png").write_bytes(encode_png(np.zeros((5, 4), np.uint8)))
    with pytest.raises(ValueError, match=r"mask\.png: the mask is 5 x 4 .*image\.png is 4 x 5"):
        LoadLesionMask()(LoadImage()(results))


def test_coarse_prediction(results, tmp_path):
    prob = np.random.default_rng(0).random((6, 6), dtype=np.float32)
    with PredictionStore(tmp_path / "store").writer(PredictionManifest(2, "val", 6, "c", "h", "f")) as writer:
        writer.add("image", prob, results["image_hash"])
    results |= {"predictions": str(tmp_path / "store"), "prediction_fold": 2, "prediction_split": "val"}
    loaded = LoadCoarsePrediction()(results)
    np.testing.assert_array_equal(loaded["coarse_prob"], prob)
    assert loaded["coarse_origin"] == "stored"
    with pytest.raises(ValueError, match=r"image\.npy.*another file"):
        LoadCoarsePrediction()(results | {"image_hash": "0" * 64})


def test_a_set_without_predictions_says_what_to_do(results):
    with pytest.raises(UserError, match=r"'toy' has no stored predictions.*predictions=ROOT"):
        LoadCoarsePrediction()(results | {"predictions": None})
