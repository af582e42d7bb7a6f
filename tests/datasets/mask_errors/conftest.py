"""Lesion masks of the shapes that go wrong, and checks that hold for every error."""

import numpy as np
import pytest

HEIGHT, WIDTH = 150, 190


def _ellipse(y, x, semi_y, semi_x):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (((rows - y) / semi_y) ** 2 + ((columns - x) / semi_x) ** 2 <= 1).astype(np.uint8)


def _lobulated():
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    angle = np.arctan2(rows - 70, columns - 90)
    return (np.hypot(rows - 70, columns - 90) <= 32 * (1 + 0.3 * np.cos(5 * angle))).astype(np.uint8)


def _thin():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[80:83, 30:130] = 1
    return mask


SHAPES = {
    "round": _ellipse(70, 90, 30, 30),
    "small": _ellipse(100, 40, 6, 7),
    "large": _ellipse(75, 95, 66, 84),  # 61 % of the frame
    "left_edge": _ellipse(75, 0, 30, 40),
    "corner": _ellipse(149, 189, 50, 60),
    "two": _ellipse(50, 50, 20, 30) | _ellipse(110, 140, 12, 12),
    "lobulated": _lobulated(),
    "thin": _thin(),
}


@pytest.fixture(params=SHAPES)
def shape(request):
    """Name of a shape."""
    return request.param


@pytest.fixture
def lesion(shape):
    """(150, 190) uint8 mask of the shape; a write to it fails."""
    mask = SHAPES[shape].copy()
    mask.flags.writeable = False
    return mask


@pytest.fixture
def round_lesion():
    return SHAPES["round"].copy()


@pytest.fixture
def draw():
    """draw(error, mask, number): outcomes and parameters of seeds 0, 1, ..., after the checks that bind every error."""
    return _draw


def _draw(error, mask, number=12):
    before = mask.tobytes()
    for seed in range(number):
        result, params = error(mask, np.random.default_rng(seed))
        assert result.dtype == np.uint8
        assert result.shape == mask.shape
        assert result.max(initial=0) <= 1
        assert not np.shares_memory(result, mask)
        assert mask.tobytes() == before
        assert_plain(params)
        yield result, params


def assert_plain(value):
    """Only Python's own types: a numpy scalar doesn't survive JSON or weights-only loading."""
    if isinstance(value, dict):
        assert all(type(key) is str for key in value)
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            assert_plain(item)
    else:
        assert type(value) in (int, float, str, bool, type(None)), repr(value)
