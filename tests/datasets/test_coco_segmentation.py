import re
from itertools import islice

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from ultraref.datasets.coco_segmentation import (
    SegmentationError,
    decode_union,
    encode_segmentation,
    read_run_string,
)
from ultraref.testing.fuzz import mutations

SIZE = (40, 60)
PIXELS = 2400


def random_mask(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mask = (rng.random(SIZE) < rng.choice([0.02, 0.5, 0.98])).astype(np.uint8)
    mask[10:20, 10:40] = rng.integers(2)
    return mask


def string_of(mask: np.ndarray) -> str:
    return coco_mask.encode(np.asfortranarray(mask))["counts"].decode()


@pytest.mark.parametrize("seed", range(6))
def test_strings_of_pycocotools_are_read(seed):
    mask = random_mask(seed)
    counts = read_run_string(string_of(mask), PIXELS)
    flat = np.repeat(np.arange(len(counts)) % 2, counts)
    np.testing.assert_array_equal(flat.reshape(SIZE, order="F"), mask)
    for given in (string_of(mask), counts):
        code, faults = encode_segmentation({"size": list(SIZE), "counts": given}, SIZE)
        np.testing.assert_array_equal(decode_union([code], SIZE), mask)
        assert not faults


def refused(segmentation) -> str:
    with pytest.raises(SegmentationError) as caught:
        encode_segmentation(segmentation, SIZE)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    return message


STRING = string_of(np.pad(np.ones((10, 10), np.uint8), ((5, 25), (5, 45))))


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (STRING[:-1], "of"),
        (STRING[: len(STRING) // 2], "of 2400|cut off|the image has 2400"),
        (STRING + "`bcdPQk" * 50, "run"),
        ("\u00e4" + STRING, "foreign character"),
        (" " + STRING, "foreign character"),
        ("", "the counts ''"),
        ("o" * 400, "too many characters"),
        ("0" * 5000, "cover 0 pixels"),
        ("l", "cut off"),
        (None, "the counts None"),
        (7, "the counts 7"),
        ([2399], "cover 2399"),
        ([2400.0], "the count 2400.0"),
        ([-1, 2401], "the count -1"),
        ([10**18, 5], "the count 1000000000000000000"),
        ([True, 2399], "the count True"),
        (["5", 2395], "the count '5'"),
        ([[1], 2399], r"the count \[1\]"),
        ([2400], "covers no pixel"),
    ],
)
def test_run_lengths_that_do_not_fit_are_refused(counts, said):

    assert re.search(said, refused({"size": list(SIZE), "counts": counts}))


def test_the_size_must_be_the_image_s():
    for size in ([60, 40], ["40", 60], None, [40, 60, 1], 2400, [1e9, 1e9], {}):
        assert "is of size" in refused({"size": size, "counts": STRING})
    assert "is of size None" in refused({})


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        ([], "without an outline"),
        (None, "without an outline"),
        ("text", "neither polygons nor run lengths"),
        (7, "neither polygons nor run lengths"),
        ([[1e7, 1e7, 4e7, 1e7, 4e7, 4e7]], "x = 1e+07, far outside"),
        ([[1, 1, 9, 1, 9, 10**18]], "y = 1e+18, far outside"),
        ([[1, 1, 5, 5]], "has 4 numbers"),
        ([[1, 1, 9, 1, 9, 9, 1]], "has 7 numbers"),
        ([[1, 1, 9, 1, 9, None]], "not a list of numbers"),
        ([[1, 1, 9, 1, 9, True]], "not a list of numbers"),
        ([[1, 1, 9, 1, 9, float("nan")]], "not finite"),
        ([1, 1, 9, 1, 9, 9], "not a list of numbers"),
        ([[[1, 1], [9, 1], [9, 9]]], "not a list of numbers"),
        ([[1, 1, 5, 1, 9, 1]], "covers no pixel"),
        ([[0, 0, 59, 39] * 2000], "longer than the image has room for"),
    ],
)
def test_polygons_that_are_none_are_refused(segmentation, said):
    assert said in refused(segmentation)


def test_polygons_may_reach_beyond_the_image():
    code, _ = encode_segmentation([[-60, -40, 120, -40, 120, 80, -60, 80]], SIZE)
    assert decode_union([code], SIZE).all()


def test_damaged_strings_never_give_another_number_of_pixels():
    refusals = 0
    for damaged in islice(mutations(STRING.encode(), np.random.default_rng(0)), 300):
        try:
            counts = read_run_string(damaged.decode("latin-1"), PIXELS)
            code, _ = encode_segmentation({"size": list(SIZE), "counts": damaged.decode("latin-1")}, SIZE)
        except SegmentationError:
            refusals += 1
        else:
            expected = np.repeat(np.arange(len(counts)) % 2, counts).reshape(SIZE, order="F")
            np.testing.assert_array_equal(decode_union([code], SIZE), expected)
    assert refusals > 200
