"""File names of any script, and those that can't be kept."""

import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.converters import convert, find_folder
from ultraref.datasets.splits import Splits
from ultraref.errors import UserError


def write(folder, *names):
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        image = np.random.default_rng(seed).integers(0, 256, (40, 50), dtype=np.uint8)
        mask = np.zeros((40, 50), np.uint8)
        mask[10:20, 10:20] = 255
        Image.fromarray(image).save(folder / f"images/{name}.png")
        Image.fromarray(mask).save(folder / f"masks/{name}.png")
    return find_folder(folder)


def test_names_of_any_script_are_kept_apart(tmp_path):
    names = ["\u7532", "\u826f\u60271", "L\u00e4sion_1", "Lo\u0308sion_1", "x+1", "x-1", "\u0663"]
    convert(write(tmp_path / "raw", *names), tmp_path / "dst", "\u4e73\u817a")
    splits = Splits.read(tmp_path / "dst")
    expected = ["\u7532", "\u826f\u60270001", "l\u00e4sion_0001", "l\u00f6sion_0001", "x_0001", "x-0001", "0003"]
    assert sorted(splits.images) == sorted(expected)
    files = {path.stem for path in (tmp_path / "dst").glob("*/images/*.png")}
    assert files == set(expected)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.b", "a_b"], "a.b.png and .*a_b.png get the same name 'a_b'"),
        (["Case 1", "case_1"], "get the same name 'case_0001'"),
        (["L\u00e4sion", "La\u0308sion"], "get the same name 'l\u00e4sion'"),
        (["\U0001fac0"], "'' has no letter and no digit; rename the file"),
        (["b" * 240], "takes 240 bytes, over the limit of 200; rename the file"),
        (["a1" * 60], "takes 300 bytes"),
    ],
)
def test_names_that_meet_or_cannot_be_kept_are_defects(tmp_path, names, message):
    found = write(tmp_path / "raw", "whole", "other", *names)
    with pytest.raises(UserError, match=message):
        convert(found, tmp_path / "dst", "set")
    report = convert(found, tmp_path / "dst", "set", skip_bad=True)
    assert (report.kept, len(report.bad)) == (2, 1)


@pytest.mark.parametrize("name", ["../set", "a/b", "", ".set", "a\nb"])
def test_the_set_has_a_name_too(tmp_path, name):
    found = write(tmp_path / "raw", "whole")
    with pytest.raises(UserError, match=r"--name '.*; give another"):
        convert(found, tmp_path / "dst", name)
