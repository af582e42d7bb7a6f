"""CVAT for images 1.1: one XML file of many images (docs.cvat.ai, "CVAT for images")."""

import math
import re
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ultraref.datasets.converters.annotations.objects import AnnotatedImage, AnnotatedObject, corners, whole_size
from ultraref.datasets.converters.annotations.rasterise import ellipse_mask, paste, polygon_mask
from ultraref.datasets.converters.annotations.safe_xml import read_xml
from ultraref.errors import UserError
from ultraref.text_file import shown

# Children of <image> that are marks on it; <tag> is about the whole image.
_MARKS = ("polygon", "mask", "ellipse", "box", "polyline", "points", "cuboid", "skeleton")


def is_cvat(root: Element) -> bool:
    """Whether an XML file is CVAT's."""
    return root.tag == "annotations" and (root.find("image") is not None or root.find("track") is not None)


def read_cvat(path: Path) -> list[AnnotatedImage]:
    """Reads a file: polygons, ellipses and masks; boxes, points and lines have no outline of a lesion.

    Raises:
        UserError: it isn't CVAT's for images.
    """
    root = read_xml(path)
    if root.tag == "annotations" and root.find("track") is not None:
        raise UserError(f"{path}: is CVAT for video, with tracks; export the task as 'CVAT for images 1.1'")
    if root.tag != "annotations":
        raise UserError(f"{path}: is no file of CVAT for images: its root is <{root.tag}>, not <annotations>")
    images = []
    for image in root.findall("image"):
        name = image.get("name")
        if not name:
            raise UserError(f"{path}: the image with id {shown(image.get('id'))} has no name")
        where = f"{path}: image {name}"
        size = whole_size(image.get("height"), image.get("width"), where)
        marks = [child for child in image if child.tag in _MARKS]
        objects = tuple(_object(place, mark) for place, mark in enumerate(marks))
        tags = "+".join(sorted({tag.get("label", "") for tag in image.findall("tag")} - {""}))
        attributes = {"tags": tags} if tags else {}
        images.append(AnnotatedImage(name, path.parent, path, size, objects, image.get("subset"), attributes))
    return images


def _object(place: int, mark: Element) -> AnnotatedObject:
    label = (mark.get("label") or "").strip()
    where = f"{mark.tag} {place} ({label})" if label else f"{mark.tag} {place}"
    draw = {"polygon": _polygon, "ellipse": _ellipse, "mask": _mask}.get(mark.tag)
    return AnnotatedObject(label, where, None if draw is None else partial(draw, mark, where=where), mark.tag)


def _polygon(mark: Element, size: tuple[int, int], where: str) -> np.ndarray:
    """points="x1,y1;x2,y2;..."."""
    points = [[_number(value, where) for value in pair.split(",")] for pair in (mark.get("points") or "").split(";")]
    return polygon_mask(corners(points, where), size, where)


def _ellipse(mark: Element, size: tuple[int, int], where: str) -> np.ndarray:
    x, y, first, second = (_number(mark.get(name), where) for name in ("cx", "cy", "rx", "ry"))
    return ellipse_mask((x, y), (first, second), size, where, _number(mark.get("rotation", "0"), where))


def _mask(mark: Element, size: tuple[int, int], where: str) -> np.ndarray:
    """rle="n, m, ...": runs of background and mask in turn, row by row, in the box of left, top, width and height."""
    left, top, width, height = (_whole(mark.get(name), where) for name in ("left", "top", "width", "height"))
    if not (0 < width <= size[1] and 0 < height <= size[0]):
        raise UserError(f"{where}: its box is {height} x {width} (height x width), its image {size[0]} x {size[1]}")
    text = mark.get("rle") or ""
    if text.count(",") > height * width:
        raise UserError(f"{where}: its mask has more runs than its box has pixels")
    runs = [_whole(run, where) for run in text.split(",")]
    if sum(runs) != height * width:
        raise UserError(
            f"{where}: its runs cover {sum(runs)} pixels, its box of {height} x {width} has {height * width}"
        )
    values = np.repeat(np.arange(len(runs)) % 2, runs).astype(np.uint8)
    return paste(values.reshape(height, width), left, top, size, where)


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: {shown(text)} is no finite number")
    return value


def _whole(text: str | None, where: str) -> int:
    # Some versions write 12.0.
    if text is None or not re.fullmatch(r"\s*\d{1,9}(\.0+)?\s*", text):
        raise UserError(f"{where}: {shown(text)} is no whole number of pixels")
    return int(float(text))
