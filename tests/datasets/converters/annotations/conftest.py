"""Files as annotation tools write them, over squares whose masks are known by hand."""

import json

import numpy as np
import pytest


@pytest.fixture
def square_points():
    """A function that returns the corners of conftest's square, [x, y] on the edges of pixels."""

    def points(left=12, top=10, size=14):
        return [[left, top], [left + size, top], [left + size, top + size], [left, top + size]]

    return points


@pytest.fixture
def masks_of():
    """A function that returns the union of each sample's masks by name."""

    def masks(found):
        return {sample.name: np.maximum.reduce(sample.load_masks(sample)[0]) for sample in found.samples}

    return masks


@pytest.fixture
def write_json(archive):
    """A function that writes JSON below the archive."""

    def write(relative, content):
        archive.path(relative).write_text(json.dumps(content))

    return write
