"""Coarse masks and probabilities of other tools: what they mean, and what is refused."""

import io
import zipfile

import cv2
import nibabel
import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.readers import encode_mask_png, read_coarse
from ultraref.datasets.readers.orientation import turn_back
from ultraref.errors import MissingFileError, UserError

SHAPE = (24, 36)
MASK = np.zeros(SHAPE, np.uint8)
MASK[5:15, 20:31] = 1
# A probability that is nowhere like a mask: a cone.
Y, X = np.mgrid[:24, :36]
PROB = np.clip(1 - np.hypot(Y - 10, X - 25) / 30, 0, 1).astype(np.float32)
PROB_8 = np.rint(PROB * 255).astype(np.uint8)
PROB_16 = np.rint(PROB * 65535).astype(np.uint16)
SOFT_EDGE = cv2.GaussianBlur(MASK * np.uint8(255), (3, 3), 0)


def png(path, array):
    Image.fromarray(array).save(path)


def npy(path, array):
    np.save(path, array)


def nifti(path, array):
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(array.T), np.eye(4)), path)


@pytest.mark.parametrize("kind", ["auto", "mask"])
@pytest.mark.parametrize(
    ("name", "save", "array"),
    [
        ("m.png", png, MASK * np.uint8(255)),
        ("m.png", png, MASK),
        ("m.png", png, MASK > 0),
        ("m.png", png, MASK.astype(np.uint16) * 65535),
        ("m.png", png, SOFT_EDGE),
        ("m.png", png, np.dstack([MASK * np.uint8(255), 0 * MASK, 0 * MASK])),
        ("m.npy", npy, MASK > 0),
        ("m.npy", npy, MASK),
        ("m.npy", npy, MASK.astype(np.int64)),
        ("m.npy", npy, MASK * 255.0),
        ("m.nii.gz", nifti, MASK),
        ("m.nii.gz", nifti, MASK.astype(np.float64)),
        ("m.nii", nifti, MASK.astype(np.int16) * 255),
    ],
)
def test_masks(tmp_path, name, save, array, kind):
    save(tmp_path / name, array)
    found = read_coarse(tmp_path / name, SHAPE, kind)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, MASK)


@pytest.mark.parametrize(
    ("name", "save", "array", "kind", "tolerance"),
    [
        ("p.npy", npy, PROB, "auto", 0),
        ("p.npy", npy, PROB.astype(np.float16), "auto", 1e-3),
        ("p.npy", npy, PROB.astype(np.float64), "probability", 0),
        ("p.nii.gz", nifti, PROB, "auto", 0),
        ("p.png", png, PROB_8, "probability", 0.5 / 255 + 1e-6),
        ("p.png", png, np.dstack([PROB_8] * 3), "probability", 0.5 / 255 + 1e-6),
        ("p.png", png, PROB_16, "probability", 1e-5),
        ("p.npy", npy, PROB_16, "probability", 1e-5),
    ],
)
def test_probabilities(tmp_path, name, save, array, kind, tolerance):
    save(tmp_path / name, array)
    found = read_coarse(tmp_path / name, SHAPE, kind)
    assert found.dtype == np.float32
    assert np.abs(found - PROB).max() <= tolerance


def test_a_probability_of_0_and_1_of_255_is_nearly_nothing(tmp_path):
    """What a network sure of no lesion writes; as a mask the same file would be a lesion."""
    png(tmp_path / "p.png", MASK)
    assert read_coarse(tmp_path / "p.png", SHAPE, "probability").max() == pytest.approx(1 / 255)
    assert read_coarse(tmp_path / "p.png", SHAPE, "mask").max() == 1


@pytest.mark.parametrize("key", ["probabilities", "softmax"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_nnunet(tmp_path, key, dtype):
    lesions = np.stack([0.7 * PROB, 0.3 * PROB])
    classes = np.concatenate([1 - PROB[None], lesions]).astype(dtype)
    np.savez_compressed(tmp_path / "a.npz", **{key: classes[:, None]})
    np.savez(tmp_path / "b.npz", **{key: classes})
    for name in ("a.npz", "b.npz"):
        assert np.abs(read_coarse(tmp_path / name, SHAPE) - PROB).max() < 2e-3


def test_nnunet_of_one_class(tmp_path):
    np.savez(tmp_path / "a.npz", probabilities=PROB[None, None])
    np.testing.assert_array_equal(read_coarse(tmp_path / "a.npz", SHAPE), PROB)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"probabilities": np.stack([PROB, PROB])}, "2 classes don't sum to 1"),
        ({"probabilities": np.stack([PROB, np.where(PROB > 0.5, np.nan, 1 - PROB)])}, "don't sum to 1"),
        ({"probabilities": np.zeros((2, 3, 24, 36), np.float32)}, r"\(2, 3, 24, 36\)"),
        ({"probabilities": PROB}, r"\(24, 36\)"),
        ({"probabilities": np.zeros((2, 24, 36), np.uint8)}, "uint8"),
        ({"logits": PROB}, "holds logits, but nnU-Net's .npz holds probabilities or softmax"),
        ({"probabilities": np.array({})}, "pickled"),
    ],
)
def test_other_npz_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UserError, match=rf"a\.npz: .*{message}"):
        read_coarse(tmp_path / "a.npz", SHAPE)


def test_damaged_npz_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", probabilities=PROB[None])
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[:400])
    with pytest.raises(UserError, match=r"a\.npz"):
        read_coarse(tmp_path / "a.npz", SHAPE)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (2, 1, 30000, 30000)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("probabilities.npy", header.getvalue())
    with pytest.raises(UserError, match="limit of 40000000"):
        read_coarse(tmp_path / "a.npz", SHAPE)


@pytest.mark.parametrize(
    ("name", "save", "array", "kind", "message"),
    [
        ("p.png", png, PROB_8, "auto", 'give kind="probability"'),
        ("p.png", png, PROB_16, "auto", 'give kind="probability"'),
        ("p.png", png, PROB_8, "mask", "don't tell lesion|pixels lie between"),
        ("p.npy", npy, PROB, "mask", "don't tell lesion|pixels lie between"),
        ("p.npy", npy, PROB * 6 - 3, "auto", r"floats in \[0, 1\].*-2.6"),
        ("p.npy", npy, PROB + 0.5, "auto", r"floats in \[0, 1\].*1.5"),
        ("p.npy", npy, np.where(MASK, np.nan, PROB), "auto", "nan"),
        ("p.npy", npy, np.where(MASK, np.inf, PROB), "auto", "inf"),
        ("p.npy", npy, MASK.astype(np.int64), "probability", "int64"),
        ("p.npy", npy, np.zeros((3, *SHAPE), np.float32), "auto", r"\(3, 24, 36\)"),
        ("p.npy", npy, np.zeros((2, *SHAPE), np.float32), "auto", "2 pages or frames"),
        (
            "m.png",
            png,
            MASK + MASK * (X > 25).astype(np.uint8) * np.uint8(254),
            "auto",
            "label map.*0: 754, 1: 60, 255: 50",
        ),
        ("p.png", png, np.dstack([PROB_8, PROB_8, 0 * PROB_8]), "probability", "colour"),
        ("m.png", png, MASK.T.copy(), "auto", r"36 x 24 \(height x width\), but its image is 24 x 36"),
        ("m.npy", npy, MASK[:20], "auto", r"20 x 36 .*24 x 36"),
        ("m.nii", nifti, MASK.T, "auto", r"36 x 24 .*24 x 36"),
        ("m.png", png, MASK, "soft", "'soft'; it may be 'auto', 'mask', 'probability'"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(tmp_path, name, save, array, kind, message):
    save(tmp_path / name, np.ascontiguousarray(array))
    with pytest.raises(UserError, match=message) as caught:
        read_coarse(tmp_path / name, SHAPE, kind)
    assert name in str(caught.value) or kind == "soft"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_that_carries_the_orientation_lies_on_the_upright_image(tmp_path, orientation):
    (tmp_path / "m.png").write_bytes(encode_mask_png(turn_back(MASK * np.uint8(255), orientation), orientation))
    np.testing.assert_array_equal(read_coarse(tmp_path / "m.png", SHAPE), MASK)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match="gone"):
        read_coarse(tmp_path / "gone.npz", SHAPE)
