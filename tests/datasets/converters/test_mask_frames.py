"""Frames of mask files."""

import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.converters.mask_frames import find_mask_frames, labels_of_frame, read_mask_frame
from ultraref.datasets.converters.mask_path_format import FRAME_PARTS, MaskPathFormat
from ultraref.errors import UserError

VALUES = np.kron(np.arange(6).reshape(2, 3), np.ones((8, 8))).astype(np.uint8)


def find(folder, text, num_frames):
    return find_mask_frames(MaskPathFormat(text, ("name", *FRAME_PARTS)), folder, {"name": "loop"}, num_frames)


def test_a_file_of_each_frame_or_one_of_all(tmp_path):
    pages = [Image.fromarray((value == VALUES).astype(np.uint8) * 255) for value in (1, 2, 3)]
    pages[0].save(tmp_path / "loop.tif", save_all=True, append_images=pages[1:])
    for number in (1, 3):
        pages[number - 1].save(tmp_path / f"loop_{number:02d}.png")
    whole = find(tmp_path, "{name}.tif", 3)
    assert whole == {frame: (tmp_path / "loop.tif", frame) for frame in range(3)}
    single = find(tmp_path, "{name}_{number:02d}.png", 3)
    assert single == {0: (tmp_path / "loop_01.png", 0), 2: (tmp_path / "loop_03.png", 0)}
    for place in (whole[2], single[2]):
        np.testing.assert_array_equal(read_mask_frame(*place), VALUES == 3)
    assert find(tmp_path, "{name}.png", 3) == {}
    with pytest.raises(UserError, match=r"loop\.tif: has 3 frames, but its image has 2"):
        find(tmp_path, "{name}.tif", 2)


def test_classes_of_a_frame_are_its_values(tmp_path):
    Image.fromarray(VALUES).save(tmp_path / "m.png")
    assert labels_of_frame(tmp_path / "m.png", 0) == ["1", "2", "3", "4", "5"]
    np.testing.assert_array_equal(read_mask_frame(tmp_path / "m.png", 0, ["2", "5"]), np.isin(VALUES, (2, 5)))
    with pytest.raises(UserError, match=r"m\.png: is a label map|m\.png: values"):
        read_mask_frame(tmp_path / "m.png", 0)
    Image.fromarray(np.dstack([VALUES] * 3)).save(tmp_path / "c.png")
    with pytest.raises(UserError, match=r"c\.png: is in colour \(shape \(16, 24, 3\)\)"):
        labels_of_frame(tmp_path / "c.png", 0)
