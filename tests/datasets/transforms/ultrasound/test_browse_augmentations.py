"""The tool that draws the augmentations."""

import runpy
import sys
from pathlib import Path

import cv2
import pytest

TOOL = Path(__file__).parents[4] / "tools" / "browse_augmentations.py"


@pytest.fixture
def run(monkeypatch, tmp_path):
    def run(*arguments):
        arguments = ["--out", tmp_path / "sheet.png", "--tile", 32, "--columns", 2, *arguments]
        monkeypatch.setattr(sys, "argv", [str(TOOL), *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOL), run_name="__main__")
        if end.value.code:
            raise end.value
        return cv2.imread(str(tmp_path / "sheet.png"), cv2.IMREAD_GRAYSCALE)

    return run


def test_made_up_images_and_a_converted_set(run, phantom_root):
    height, width = 7 * (32 + 4 + 18) + 4, 2 * 36 + 4
    drawn, of_set = run(), run(phantom_root)
    assert drawn.shape == of_set.shape == (height, width)
    assert (drawn != of_set).any()


def test_chosen_transforms_and_fewer_grey_levels(run):
    sheet = run("--transforms", "RandomHaze", "--levels", 4)
    assert sheet.shape[0] == 32 + 4 + 18 + 4
    assert set(sheet.ravel()) <= {0, 85, 170, 255}


@pytest.mark.parametrize(
    ("arguments", "message"), [(["nowhere"], "there is no image"), (["--columns", 1], "--columns must be at least 2")]
)
def test_bad_input_gives_one_line(run, capsys, arguments, message):
    with pytest.raises(SystemExit):
        run(*arguments)
    assert message in capsys.readouterr().err
