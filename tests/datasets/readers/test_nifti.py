"""2-D NIfTI: the order of axes, types, cine loops, and what is refused."""

import gzip
import sys

import nibabel
import numpy as np
import pytest

from ultraref.datasets.readers import open_source
from ultraref.errors import MissingLibraryError, UserError

GREY = (np.arange(14 * 19).reshape(14, 19) % 251).astype(np.uint8)
# As ITK writes a picture, and as nibabel's examples do.
AFFINES = {"ITK": np.diag([-1.0, -1.0, 1.0, 1.0]), "identity": np.eye(4)}


def save(path, array, affine="ITK", kind=nibabel.Nifti1Image, **header):
    image = kind(array, AFFINES[affine])
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


def read(path, index=0):
    with open_source(path) as source:
        return source.frame(index)


@pytest.mark.parametrize("affine", AFFINES)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_the_first_axis_runs_along_columns_whatever_the_affine(tmp_path, affine, suffix):
    lesion = np.zeros((20, 50), np.uint8)
    lesion[3:7, 40:46] = 255
    path = save(tmp_path / f"us{suffix}", lesion.T[..., None].copy(), affine)
    with open_source(path) as source:
        frame = source.frame()
        np.testing.assert_array_equal(frame, lesion)
        np.testing.assert_array_equal(source.to_stored(frame), lesion)
        assert source.exif_orientation == 1
        assert source.spacing is None
        assert "1 mm" in source.spacing_note


@pytest.mark.parametrize(
    "array",
    [
        GREY.T,
        GREY.T[..., None, None],
        GREY.T.astype(np.int16),
        GREY.T.astype(np.float64),
        GREY.T.astype(np.float32) / 255,
        GREY.T.astype(np.uint16) * 257,
    ],
)
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_types(tmp_path, array, kind):
    np.testing.assert_array_equal(read(save(tmp_path / "us.nii", np.asarray(array), kind=kind)), GREY)


def test_rgb(tmp_path):
    colour = np.zeros(GREY.T.shape, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for name in "RGB":
        colour[name] = GREY.T
    np.testing.assert_array_equal(read(save(tmp_path / "us.nii", colour[..., None])), GREY)


def test_time_points_are_frames(tmp_path):
    loop = np.stack([GREY, 255 - GREY, GREY // 2])
    save(tmp_path / "us.nii.gz", np.moveaxis(loop, 0, 2).swapaxes(0, 1)[:, :, None, :].copy())
    with open_source(tmp_path / "us.nii.gz") as source:
        assert source.num_frames == 3
        for index in (2, 0, 1):
            np.testing.assert_array_equal(source.frame(index), loop[index])


def test_a_name_says_nothing(tmp_path):
    save(tmp_path / "us.nii.gz", GREY.T.copy())
    (tmp_path / "us.png").write_bytes((tmp_path / "us.nii.gz").read_bytes())
    np.testing.assert_array_equal(read(tmp_path / "us.png"), GREY)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((9, 9, 4), np.uint8), r"\(9, 9, 4\), a volume"),
        (np.zeros((1, 9, 9), np.uint8), r"\(1, 9, 9\), a volume"),
        (np.zeros((9, 9, 1, 1, 3), np.uint8), "a volume"),
        (np.zeros(9, np.uint8), r"\(9,\)"),
        (np.zeros((9, 9), np.complex64), "complex64"),
        (np.full((9, 9), np.nan, np.float32), "nan"),
        (np.full((9, 9), 1.5, np.float32), r"\[0, 1\]"),
        (np.full((9, 9), -3, np.int16), "-3"),
    ],
)
def test_one_clear_line(tmp_path, array, message):
    path = save(tmp_path / "us.nii", array)
    with pytest.raises(UserError, match=message) as caught, open_source(path) as source:
        source.frame()
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_cut_off(tmp_path, packed):
    data = save(tmp_path / "whole.nii", GREY.T.copy()).read_bytes()[:-50]
    (tmp_path / "us.nii").write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(UserError, match=r"us\.nii.*NIfTI"), open_source(tmp_path / "us.nii") as source:
        source.frame()


def test_a_huge_header_is_refused_before_memory_is_taken(tmp_path):
    data = bytearray(save(tmp_path / "whole.nii", GREY.T.copy()).read_bytes())
    data[42:46] = np.array([30000, 30000], "<i2").tobytes()
    (tmp_path / "us.nii").write_bytes(data)
    with pytest.raises(UserError, match="limit of 40000000"):
        open_source(tmp_path / "us.nii")


def test_header_and_pixels_in_two_files(tmp_path):
    nibabel.save(nibabel.Nifti1Pair(GREY.T.copy(), np.eye(4)), tmp_path / "us.hdr")
    with pytest.raises(UserError, match="two files"):
        open_source(tmp_path / "us.hdr")


def test_without_nibabel_the_extra_is_named(tmp_path, monkeypatch):
    path = save(tmp_path / "us.nii", GREY.T.copy())
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(MissingLibraryError, match=r"ultraref\[dicom\]"):
        open_source(path)
