"""One depth for the images of a set: scaled each by its own maximum, two alike would differ in brightness."""

from collections.abc import Iterable
from pathlib import Path

from ultraref.datasets.readers.grey import depth_of
from ultraref.datasets.readers.open_source import open_source
from ultraref.errors import UserError


def common_depth(paths: Iterable[Path]) -> int | None:
    """Returns the smallest of 8, 10, 12, 14 and 16 bits that holds the values of all images that don't state their depth.

    Only files of more than 8 bits are decoded. One that can't be read is passed over here, and named when it is converted.

    Args:
        paths: the image files.

    Returns:
        The depth, or None where every image is of 8 bits, states its depth, or is floats in [0, 1].
    """
    depths = set()
    # A cine loop is the file of many images.
    for path in dict.fromkeys(paths):
        try:
            with open_source(path) as source:
                for index in range(source.num_frames if source.depth_unknown else 0):
                    values = source.values(index)
                    depths |= {depth_of(values, path)} if values.dtype.kind in "iu" else set()
        except UserError:
            continue
    return max(depths, default=None)
