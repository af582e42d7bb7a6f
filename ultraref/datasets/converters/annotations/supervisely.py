"""Supervisely: a project of data sets, each with img/NAME and ann/NAME.json (docs.supervisely.com, "Supervisely format")."""

import base64
import binascii
import io
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from ultraref.datasets.converters.annotations.objects import AnnotatedImage, AnnotatedObject, corners, whole_size
from ultraref.datasets.converters.annotations.rasterise import ellipse_mask, paste, polygon_mask
from ultraref.datasets.readers.open_source import source_of_stream
from ultraref.errors import UserError
from ultraref.json_file import read_json
from ultraref.text_file import shown

# A PNG of a mask takes at most this much for each pixel of its image, plus its head: RGBA, not compressed.
_BYTES_A_PIXEL, _HEAD = 4, 1 << 16


def is_supervisely(content) -> bool:
    """Whether the content of a JSON file is Supervisely's of one image."""
    return (
        isinstance(content, dict) and isinstance(content.get("objects"), list) and isinstance(content.get("size"), dict)
    )


def read_supervisely(path: Path) -> list[AnnotatedImage]:
    """Reads ann/NAME.json: polygons with holes, circles and bitmaps; rectangles, points and lines have no outline of a lesion.

    Raises:
        UserError: it isn't Supervisely's.
    """
    content = read_json(path, "Supervisely file")
    if not is_supervisely(content):
        raise UserError(f"{path}: is no Supervisely file of an image: it has no size, or no list of objects")
    size = whole_size(content["size"].get("height"), content["size"].get("width"), str(path))
    objects = tuple(_object(place, entry, path) for place, entry in enumerate(content["objects"]))
    folder = path.parent.parent / "img" if path.parent.name == "ann" else path.parent
    # The file is called like the image, suffix included, plus .json; very old exports left the suffix out.
    return [AnnotatedImage(path.name.removesuffix(".json"), folder, path, size, objects, attributes=_tags(content))]


def _tags(content: dict) -> dict[str, str]:
    tags = content.get("tags") if isinstance(content.get("tags"), list) else []
    return {
        str(tag["name"]): str(tag.get("value") if tag.get("value") is not None else "yes")
        for tag in tags
        if isinstance(tag, dict) and tag.get("name")
    }


def _object(place: int, entry, path: Path) -> AnnotatedObject:
    if not isinstance(entry, dict):
        raise UserError(f"{path}: object {place} is {shown(entry)}, not an object of JSON")
    title = entry.get("classTitle")
    label = title.strip() if isinstance(title, str) else ""
    where = f"object {place} ({label})" if label else f"object {place}"
    # Old exports name no type; a bitmap is there or it isn't.
    kind = entry.get("geometryType") or ("bitmap" if isinstance(entry.get("bitmap"), dict) else "polygon")
    draw = {"polygon": _polygon, "bitmap": _bitmap, "circle": _circle}.get(kind) if isinstance(kind, str) else None
    return AnnotatedObject(label, where, None if draw is None else partial(draw, entry, where=where), str(kind))


def _polygon(entry: dict, size: tuple[int, int], where: str) -> np.ndarray:
    points = _points(entry, where)
    mask = polygon_mask(corners(points.get("exterior"), where), size, where)
    holes = points.get("interior") or []
    if not isinstance(holes, list):
        raise UserError(f"{where}: its interior is {shown(holes)}, not a list of holes")
    for hole in holes:
        mask &= 1 - polygon_mask(corners(hole, where), size, where)
    return mask


def _circle(entry: dict, size: tuple[int, int], where: str) -> np.ndarray:
    exterior, radius = _points(entry, where).get("exterior"), entry.get("radius")
    numbers = exterior[0] if isinstance(exterior, list) and exterior else None
    if (
        not isinstance(numbers, list)
        or len(numbers) != 2
        or not all(type(value) in (int, float) for value in (*numbers, radius))
    ):
        raise UserError(f"{where}: a circle has one point and a radius, not {shown(exterior)} and {shown(radius)}")
    return ellipse_mask(tuple(numbers), (radius, radius), size, where)


def _bitmap(entry: dict, size: tuple[int, int], where: str) -> np.ndarray:
    """A PNG, compressed by zlib, in base64, whose first pixel lies at its origin. Its alpha is the mask, or what isn't black."""
    bitmap = entry.get("bitmap")
    origin = bitmap.get("origin") if isinstance(bitmap, dict) else None
    if (
        not isinstance(origin, list)
        or len(origin) != 2
        or not all(type(value) is int for value in origin)
        or not isinstance(bitmap.get("data"), str)
    ):
        raise UserError(f"{where}: its bitmap is {shown(bitmap)}; origin [x, y] and data are needed")
    data = _unpacked(bitmap["data"], _BYTES_A_PIXEL * size[0] * size[1] + _HEAD, where)
    with source_of_stream(io.BytesIO(data), where, max_pixels=size[0] * size[1]) as source:
        values = source.values()
    if values.ndim == 3:
        values = values[:, :, 3] if values.shape[2] == 4 else values.max(axis=2)
    return paste(values > 0, origin[0], origin[1], size, where)


def _unpacked(text: str, limit: int, where: str) -> bytes:
    """Returns what base64 and zlib hold, no more than a limit: a few bytes of zlib may stand for gigabytes."""
    unpack = zlib.decompressobj()
    try:
        data = unpack.decompress(base64.b64decode(text, validate=True), limit)
    except (ValueError, binascii.Error, zlib.error) as error:
        raise UserError(f"{where}: its bitmap can't be unpacked ({error})") from error
    if unpack.unconsumed_tail:
        raise UserError(
            f"{where}: its bitmap unpacks to more than {limit} bytes, which a mask of its image never takes"
        )
    if not unpack.eof:
        raise UserError(f"{where}: its bitmap is cut off")
    return data


def _points(entry: dict, where: str) -> dict:
    points = entry.get("points")
    if not isinstance(points, dict):
        raise UserError(f"{where}: its points are {shown(points)}, not an exterior and an interior")
    return points
