"""YOLO segmentation: a text file an image, a line an object, corners as shares of width and height; data.yaml names the classes
(docs.ultralytics.com, "Instance segmentation datasets")."""

import math
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from ultraref.datasets.converters.annotations.objects import MAX_CORNERS, AnnotatedImage, AnnotatedObject
from ultraref.datasets.converters.annotations.rasterise import polygon_mask
from ultraref.errors import UserError
from ultraref.text_file import read_text, shown

# Numbers of a line: a class and a box, or a class and corners.
_BOX, _TRIANGLE = 5, 7
_LARGEST_YAML = 1 << 20


def read_class_names(path: Path) -> dict[int, str]:
    """Returns the names of classes by number from a data.yaml: a list, or an object of numbers.

    Raises:
        UserError: it isn't such a file.
    """
    text = read_text(path, max_bytes=_LARGEST_YAML)
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UserError(f"{path}: is no YAML ({' '.join(str(error).split())[:200]})") from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(
        type(key) is int and isinstance(name, (str, int)) for key, name in names.items()
    ):
        raise UserError(
            f"{path}: names are {shown(names)}; a list of classes, or an object of numbers and classes is needed"
        )
    return {number: str(name).strip() for number, name in names.items()}


def read_yolo(image: Path, labels: Path, names: Mapping[int, str]) -> AnnotatedImage:
    """Reads the text file of an image: polygons; boxes have no outline of a lesion. An empty file is an image without an object.

    Args:
        image: the image.
        labels: its text file.
        names: of the classes; a class without one is called by its number.

    Raises:
        UserError: a line isn't a class and pairs of shares.
    """
    objects = []
    for number, line in enumerate(read_text(labels).splitlines(), start=1):
        words = line.split()
        if words:
            objects.append(_object(words, f"{labels}: line {number}", number, names))
    return AnnotatedImage(image.name, image.parent, labels, None, tuple(objects))


def label_path(image: str) -> str:
    """Returns the path of the text file of an image: its last folder "images" becomes "labels", as YOLO's own rule is."""
    parts = image.split("/")
    for place in range(len(parts) - 2, -1, -1):
        if parts[place].lower() == "images":
            parts[place] = "labels"
            break
    return os.path.splitext("/".join(parts))[0] + ".txt"


def _object(words: list[str], where: str, number: int, names: Mapping[int, str]) -> AnnotatedObject:
    if not words[0].isascii() or not words[0].isdigit() or len(words[0]) > 6:
        raise UserError(f"{where}: the class is {shown(words[0])}, not a number")
    label = names.get(int(words[0]), words[0])
    name = f"line {number} ({label})"
    if len(words) == _BOX:
        return AnnotatedObject(label, name, None, "box")
    if len(words) < _TRIANGLE or len(words) % 2 == 0 or len(words) > 2 * MAX_CORNERS:
        raise UserError(f"{where}: has {len(words)} numbers; a class and x and y of at least three corners are needed")
    try:
        shares = np.array([float(word) for word in words[1:]]).reshape(-1, 2)
    except ValueError:
        shares = np.array([math.nan])
    if not np.isfinite(shares).all():
        raise UserError(f"{where}: has a coordinate that is no finite number")
    return AnnotatedObject(label, name, partial(_draw, shares, where=name), "polygon")


def _draw(shares: np.ndarray, size: tuple[int, int], where: str) -> np.ndarray:
    return polygon_mask(shares * (size[1], size[0]), size, where)
