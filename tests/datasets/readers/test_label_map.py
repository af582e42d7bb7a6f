"""Values and colours of mask files."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.readers.label_map import grey_label_map, read_label_map
from ultraref.errors import UserError

RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def regions(*values, shape=(60, 90)):
    """Zeros with a block of 20 x 20 for each value, 3 in a row."""
    array = np.zeros((*shape, *np.shape(values[0])), np.asarray(values[0]).dtype if np.ndim(values[0]) else np.uint8)
    for place, value in enumerate(values):
        array[20:40, 5 + 25 * place : 25 + 25 * place] = value
    return array


def save(tmp_path, array, name="m.png", **options):
    Image.fromarray(array).save(tmp_path / name, **options)
    return tmp_path / name


def test_grey_values_of_8_and_16_bits(tmp_path):
    for array in (regions(1, 2, 7), regions(1, 2, 7).astype(np.uint16) * 300):
        found = read_label_map(save(tmp_path, array))
        step = int(array.max()) // 7
        assert found.counts == {str(step): 400, str(2 * step): 400, str(7 * step): 400}
        np.testing.assert_array_equal(found.is_label([str(step), str(7 * step)]), (array == step) | (array == 7 * step))
        with pytest.raises(UserError, match=r"m\.png"):
            found.lesion()


def test_colours(tmp_path):
    array = regions(np.uint8(RED), np.uint8(GREEN))
    found = read_label_map(save(tmp_path, array))
    assert found.counts == {"#00ff00": 400, "#ff0000": 400}
    np.testing.assert_array_equal(found.is_label(["#00ff00"]), array[:, :, 1] > 0)
    with pytest.raises(UserError, match=r"m\.png: marks with several colours, #00ff00, #ff0000"):
        found.lesion()


@pytest.mark.parametrize("second", [(255, 40, 0), (255, 0, 40), (230, 30, 0), (128, 0, 0), (60, 0, 0)])
def test_colours_that_are_near_each_other_are_two(tmp_path, second):
    with pytest.raises(UserError, match=r"m\.png"):
        read_label_map(save(tmp_path, regions(np.uint8(RED), np.uint8(second)))).lesion()


def test_a_palette_by_number_and_by_colour(tmp_path):
    indices = regions(1, 2)
    picture = Image.fromarray(indices, "P")
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 9, 9, 9])
    picture.save(tmp_path / "m.png")
    found = read_label_map(tmp_path / "m.png")
    assert found.counts == {"#008000": 400, "#800000": 400}
    assert found.entries() == {"0": "#000000", "1": "#800000", "2": "#008000"}
    for label in ("2", "#008000"):
        np.testing.assert_array_equal(found.is_label([label]), indices == 2)


def test_a_palette_of_greys_is_grey(tmp_path):
    picture = Image.fromarray(regions(1), "P")
    picture.putpalette([0, 0, 0, 255, 255, 255, 1, 2, 3])
    picture.save(tmp_path / "m.png")
    found = read_label_map(tmp_path / "m.png")
    assert (found.counts, found.entries()) == ({"255": 400}, {})
    assert found.lesion().sum() == 400


@pytest.mark.parametrize("colour", [RED, WHITE, (128, 64, 0)])
@pytest.mark.parametrize("options", [{"format": "PNG"}, {"format": "JPEG", "quality": 75}])
def test_one_smoothed_colour_on_black_is_one_lesion(tmp_path, colour, options):
    drawn = np.zeros((240, 240, 3), np.uint8)
    cv2.circle(drawn, (120, 120), 70, colour, -1)
    smooth = cv2.resize(drawn, (120, 120), interpolation=cv2.INTER_AREA)
    buffer = io.BytesIO()
    Image.fromarray(smooth).save(buffer, **options)
    (tmp_path / "m").write_bytes(buffer.getvalue())
    mask = read_label_map(tmp_path / "m").lesion()
    assert abs(mask.sum() - np.pi * 35**2) < 0.02 * np.pi * 35**2


@pytest.mark.parametrize("second", [GREEN, WHITE, (255, 255, 0)])
def test_two_colours_of_a_jpeg_are_refused(tmp_path, second):
    array = regions(np.uint8(RED), np.uint8(second))
    found = read_label_map(save(tmp_path, array, "m.jpg", quality=80))
    assert found.counts is None
    with pytest.raises(UserError, match=r"m\.jpg: marks with several colours"):
        found.lesion()
    number = len(np.unique(found.codes))
    with pytest.raises(
        UserError, match=rf"m\.jpg: has {number} different colours, which are more than 64 labels.*black for background"
    ):
        found.is_label(["#ff0000"])


def test_a_colour_on_white_is_not_all_lesion(tmp_path):
    array = np.full((40, 40, 3), 255, np.uint8)
    array[10:20, 10:20] = RED
    with pytest.raises(UserError, match="several colours"):
        read_label_map(save(tmp_path, array)).lesion()


def test_transparent_pixels_are_background(tmp_path):
    array = np.dstack([regions(np.uint8(RED), np.uint8(GREEN)), regions(255, 0)])
    found = read_label_map(save(tmp_path, array))
    assert found.counts == {"#ff0000": 400}
    assert found.lesion().sum() == 400


def test_what_is_no_mask_of_labels(tmp_path):
    deep = np.dstack([regions(1), regions(2), regions(3)]).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    with pytest.raises(UserError, match="16 bits a channel"):
        read_label_map(tmp_path / "deep.png")
    np.save(tmp_path / "f.npy", np.random.default_rng(0).random((9, 9)))
    assert read_label_map(tmp_path / "f.npy").counts is None
    with pytest.raises(
        UserError, match=r"f\.npy: has broken values, 0\.\d+ to 0\.\d+; a label map holds whole numbers"
    ):
        read_label_map(tmp_path / "f.npy").is_label(["1"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, bool])
def test_floats_of_0_and_1_are_labels(tmp_path, dtype):
    np.save(tmp_path / "f.npy", regions(1).astype(dtype))
    found = read_label_map(tmp_path / "f.npy")
    assert found.counts == {"1": 400}
    for mask in (found.is_label(["1"]), found.lesion()):
        np.testing.assert_array_equal(mask, regions(1))
    assert grey_label_map(regions(1).astype(dtype), "x").counts == {"1": 400}


def test_labels_of_a_frame_are_the_values_over_0():
    values = np.array([[0, 7], [2, 2]], np.int16)
    assert grey_label_map(values, "x").labels == ["2", "7"]
    assert grey_label_map(values == 2, "x").labels == ["1"]
    assert grey_label_map((values == 2).astype(np.float32), "x").labels == ["1"]
    assert grey_label_map(values * 0, "x").labels == []
    np.testing.assert_array_equal(grey_label_map(values, "x").is_label(["7"]), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(grey_label_map(values, "x").is_label(["7", "2"]), [[0, 1], [1, 1]])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_64_labels_are_the_most(dtype):
    values = np.arange(65, dtype=dtype).reshape(5, 13)
    assert grey_label_map(values, "x").labels == [str(number) for number in range(1, 65)]
    with pytest.raises(UserError, match="x: has 65 different values, 1 to 65, which are more than 64 labels"):
        _ = grey_label_map(values + 1, "x").labels


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), "in colour"),
        (np.full((4, 4), 0.5), "broken values, 0.5 to 0.5"),
        (np.full((4, 4), -1), "negative values, down to -1"),
        (np.arange(100).reshape(10, 10), "100 different values"),
    ],
)
def test_what_is_no_label_map_of_a_frame(values, message):
    with pytest.raises(UserError, match=message):
        _ = grey_label_map(values, "x").labels
