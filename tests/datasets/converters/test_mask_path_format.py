"""Paths of mask files, written out."""

from pathlib import Path

import pytest

from ultraref.datasets.converters.mask_path_format import FRAME_PARTS, MaskPathFormat
from ultraref.errors import UserError

PARTS = {"folder": "a/b", "name": "loop"}


@pytest.mark.parametrize(
    ("text", "path", "by_frame"),
    [
        ("{folder}/{name}_mask.png", "src/a/b/loop_mask.png", False),
        ("{folder}/../masks/{name}.png", "src/a/masks/loop.png", False),
        ("{name}_{frame}.png", "src/loop_11.png", True),
        ("masks/{name}/{number:04d}.png", "src/masks/loop/0012.png", True),
        ("{name}_{frame:0{number}d}.png", "src/loop_000000000011.png", True),
        ("{name:.2}{{*}}.png", "src/lo{*}.png", False),
        ("/masks/{name}.png", "/masks/loop.png", False),
    ],
)
def test_paths_of_a_frame(text, path, by_frame):
    mask_format = MaskPathFormat(text, (*PARTS, *FRAME_PARTS))
    assert (mask_format.path(Path("src"), PARTS, 11), mask_format.by_frame) == (Path(path), by_frame)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{stem}.png", r"--masks '{stem}\.png' has the unknown part {stem}; the parts are {folder}, {name}$"),
        ("{name}_{frame}.png", "has the unknown part {frame}; the parts are {folder}, {name}$"),
        ("{name:{width}}.png", "has the unknown part {width}; the parts are {folder}, {name}$"),
        ("{}.png", "has the unknown part {}; the parts are {folder}, {name}$"),
        ("{name.stem}.png", "has the unknown part {name.stem}; the parts are {folder}, {name}$"),
        ("mask.png", r"--masks 'mask\.png' names no part; the parts are {folder}, {name}$"),
        (
            "{name.png",
            r"--masks '{name\.png' is no template \(expected '}'.*\); it is a path such as .* {folder}, {name}$",
        ),
    ],
)
def test_bad_templates_are_refused(text, message):
    with pytest.raises(UserError, match=message):
        MaskPathFormat(text, tuple(PARTS))


def test_a_value_that_does_not_fit_its_format():
    with pytest.raises(UserError, match=r"--masks '{name:04d}\.png' can't be filled in: .*'d'"):
        MaskPathFormat("{name:04d}.png", tuple(PARTS)).path(Path("src"), PARTS)
