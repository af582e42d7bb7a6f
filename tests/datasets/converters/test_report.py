"""The report of a conversion, and its montage."""

import json

import cv2
import numpy as np
import pytest

from ultraref.datasets.converters import convert, find_bus
from ultraref.datasets.converters.montage import outlined


@pytest.fixture
def converted(archive, tmp_path, draw_square):
    """Four images: squares of 6, 6, 12 and 24 pixels on 48 x 60, the last on 96 x 120 and with a second part."""
    for n, size in enumerate((6, 6, 12)):
        archive.image(f"original/{n}.png")
        archive.mask(f"GT/{n}.png", draw_square(size=size))
    archive.image("original/3.png", shape=(96, 120))
    mask = draw_square(size=24, shape=(96, 120)) | draw_square(60, 60, 2, shape=(96, 120))
    archive.mask("GT/3.png", mask)
    archive.text("GT/readme.txt")
    return convert(find_bus(archive.root), tmp_path / "dst", "bus"), tmp_path / "dst"


def test_numbers(converted):
    report, _ = converted
    assert (report.found, report.kept, report.heights, report.widths) == (4, 4, [48, 48, 96], [60, 60, 120])
    assert report.components == {"1": 3, "2": 1}
    # 36, 144 and 24 * 24 + 4 pixels of 2880 and 11520, in percent, cut to four decimals.
    assert report.lesion_percent == [1.25, 1.25, 5.0347]
    assert report.left_out == ["GT/readme.txt: not an image (.png, .jpg, .jpeg, .bmp, .tif, .tiff, .npy)"]


def test_text_stands_next_to_the_reference(converted):
    report, _ = converted
    text = str(report)
    assert "reference: 450 training + 112 test = 562" in text
    assert f"here: {4 - report.parts.get('test', 0)} training" in text
    for words in ("4 images found, 4 kept", "height: 48 to 96 px", "1: 3, 2: 1", "left out: GT/readme.txt"):
        assert words in text


def test_file(converted):
    report, dst = converted
    content = json.loads((dst / "report.json").read_text())
    assert content["reference"] == [450, 112, 562]
    assert content["parts"] == report.parts
    montage = cv2.imread(str(dst / "montage.png"))
    assert montage.shape == (4 * 192, 6 * 192, 3)
    assert montage[:192, : 4 * 192].any()
    assert not montage[192:].any()  # four images


def test_outline_lies_on_the_edge():
    image, mask = np.zeros((50, 100), np.uint8), np.zeros((50, 100), np.uint8)
    mask[10:30, 20:60] = 1
    picture = outlined(image, mask, 200)  # twice the size, 50 rows of margin
    rows, columns = picture.any(2).any(1).nonzero()[0], picture.any(2).any(0).nonzero()[0]
    assert np.abs([rows[0] - 70, rows[-1] - 109, columns[0] - 40, columns[-1] - 119]).max() <= 1
