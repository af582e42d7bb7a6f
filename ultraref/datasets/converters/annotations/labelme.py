"""LabelMe: a JSON file an image, with shapes of points (github.com/wkentaro/labelme, versions 3 to 5)."""

import base64
import binascii
import io
import math
from functools import partial
from pathlib import Path

import numpy as np

from ultraref.datasets.converters.annotations.objects import AnnotatedImage, AnnotatedObject, corners, whole_size
from ultraref.datasets.converters.annotations.rasterise import ellipse_mask, paste, polygon_mask
from ultraref.datasets.readers.open_source import source_of_stream
from ultraref.errors import UserError
from ultraref.json_file import read_json
from ultraref.text_file import shown


def is_labelme(content) -> bool:
    """Whether the content of a JSON file is LabelMe's."""
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


def read_labelme(path: Path) -> list[AnnotatedImage]:
    """Reads a file: polygons, circles and masks; rectangles, points and lines have no outline of a lesion.

    Raises:
        UserError: it isn't LabelMe's, or says nothing of its image.
    """
    content = read_json(path, "LabelMe file")
    if not is_labelme(content):
        raise UserError(f"{path}: is no LabelMe file: it has no list of shapes, or no imagePath")
    image = content["imagePath"]
    if not isinstance(image, str) or not image:
        raise UserError(f"{path}: imagePath is {shown(image)}, not the name of a file")
    size = None
    if content.get("imageHeight") is not None or content.get("imageWidth") is not None:
        size = whole_size(content.get("imageHeight"), content.get("imageWidth"), str(path))
    objects = tuple(_object(place, shape, path) for place, shape in enumerate(content["shapes"]))
    flags = content.get("flags") if isinstance(content.get("flags"), dict) else {}
    attributes = {str(name): "yes" for name, value in flags.items() if value is True}
    return [AnnotatedImage(image, path.parent, path, size, objects, attributes=attributes)]


def _object(place: int, shape, path: Path) -> AnnotatedObject:
    if not isinstance(shape, dict):
        raise UserError(f"{path}: shape {place} is {shown(shape)}, not an object")
    label = shape.get("label")
    label = label.strip() if isinstance(label, str) else ""
    where = f"shape {place} ({label})" if label else f"shape {place}"
    # Old versions knew polygons alone and didn't say so.
    kind = shape.get("shape_type") or "polygon"
    draw = {"polygon": _polygon, "circle": _circle, "mask": _mask}.get(kind) if isinstance(kind, str) else None
    return AnnotatedObject(label, where, None if draw is None else partial(draw, shape, where=where), str(kind))


def _polygon(shape: dict, size: tuple[int, int], where: str) -> np.ndarray:
    return polygon_mask(corners(shape.get("points"), where), size, where)


def _circle(shape: dict, size: tuple[int, int], where: str) -> np.ndarray:
    centre, edge = _two_points(shape, where)
    radius = math.dist(centre, edge)
    return ellipse_mask(centre, (radius, radius), size, where)


def _mask(shape: dict, size: tuple[int, int], where: str) -> np.ndarray:
    """A PNG, in base64, of the box from its first point to its second, both among its pixels."""
    (left, top), _ = _two_points(shape, where)
    try:
        data = base64.b64decode(shape.get("mask") or "", validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise UserError(f"{where}: its mask isn't base64 ({error})") from error
    with source_of_stream(io.BytesIO(data), where, max_pixels=size[0] * size[1]) as source:
        values = source.values()
    if values.ndim != 2:
        raise UserError(f"{where}: its mask is in colour")
    return paste(values > 0, round(left), round(top), size, where)


def _two_points(shape: dict, where: str) -> tuple[tuple[float, float], tuple[float, float]]:
    points = shape.get("points")
    if (
        not isinstance(points, list)
        or len(points) != 2
        or not all(isinstance(p, list) and len(p) == 2 and all(type(v) in (int, float) for v in p) for p in points)
    ):
        raise UserError(f"{where}: its points are {shown(points)}; two of x and y are needed")
    return tuple(points[0]), tuple(points[1])
