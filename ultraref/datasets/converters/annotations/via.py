"""VGG Image Annotator, versions 1 and 2: one JSON file of many images (robots.ox.ac.uk/~vgg/software/via)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ultraref.datasets.converters.annotations.objects import AnnotatedImage, AnnotatedObject, corners
from ultraref.datasets.converters.annotations.rasterise import ellipse_mask, polygon_mask
from ultraref.errors import UserError
from ultraref.json_file import read_json
from ultraref.text_file import shown


def is_via(content) -> bool:
    """Whether the content of a JSON file is a project of VIA 1 or 2, or annotations that it exported."""
    if not isinstance(content, dict):
        return False
    if isinstance(content.get("_via_img_metadata"), dict):
        return True
    first = next(iter(content.values()), None)
    return isinstance(first, dict) and {"filename", "regions"} <= first.keys()


def read_via(path: Path, label_attribute: str | None = None) -> list[AnnotatedImage]:
    """Reads a file: polygons, circles and ellipses; rectangles, points and lines have no outline of a lesion.

    Args:
        path: the file.
        label_attribute: the attribute of regions that is the class; by default the only one that regions have.

    Raises:
        UserError: it isn't VIA's, or regions have several attributes and none was named.
    """
    content = read_json(path, "VIA file")
    if isinstance(content.get("file"), dict) and isinstance(content.get("metadata"), dict):
        raise UserError(f"{path}: is a project of VIA 3; export it from there as COCO, or use VIA 2")
    if not is_via(content):
        raise UserError(f"{path}: is no VIA file: its entries have no filename and regions")
    entries = content.get("_via_img_metadata", content)
    regions_of = {}
    for key, entry in entries.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str) or not entry["filename"]:
            raise UserError(f"{path}: the entry {shown(key)} names no file")
        regions_of[key] = _regions(entry, f"{path}: {entry['filename']}")
    attribute = _label_attribute([region for own in regions_of.values() for region in own], label_attribute, path)
    images = []
    for key, entry in entries.items():
        objects = tuple(_object(place, region, attribute) for place, region in enumerate(regions_of[key]))
        facts = entry.get("file_attributes") if isinstance(entry.get("file_attributes"), dict) else {}
        attributes = {str(name): value for name, value in facts.items() if isinstance(value, str) and value}
        images.append(AnnotatedImage(entry["filename"], path.parent, path, None, objects, attributes=attributes))
    return images


def _regions(entry: dict, where: str) -> list[dict]:
    """Returns the regions of an image: a list, or in version 1 an object of numbers."""
    regions = entry.get("regions") or []
    regions = list(regions.values()) if isinstance(regions, dict) else regions
    if not isinstance(regions, list) or not all(
        isinstance(region, dict) and isinstance(region.get("shape_attributes"), dict) for region in regions
    ):
        raise UserError(f"{where}: its regions are no list of shapes")
    return regions


def _label_attribute(regions: Sequence[dict], wanted: str | None, path: Path) -> str | None:
    names = sorted({str(name) for region in regions for name in _facts(region)})
    if wanted is not None:
        if wanted not in names:
            raise UserError(
                f"{path}: no region has the attribute {wanted!r} (--label-attribute); there are {', '.join(names) or 'none'}"
            )
        return wanted
    if len(names) > 1:
        raise UserError(
            f"{path}: regions have the attributes {', '.join(names)}; name the class with --label-attribute"
        )
    return names[0] if names else None


def _facts(region: dict) -> dict:
    facts = region.get("region_attributes")
    return facts if isinstance(facts, dict) else {}


def _object(place: int, region: dict, attribute: str | None) -> AnnotatedObject:
    value = _facts(region).get(attribute) if attribute is not None else None
    if isinstance(value, dict):  # check boxes
        value = "+".join(sorted(str(name) for name, checked in value.items() if checked))
    label = str(value).strip() if value is not None else ""
    where = f"region {place} ({label})" if label else f"region {place}"
    shape = region["shape_attributes"]
    kind = shape.get("name")
    draw = {"polygon": _polygon, "circle": _circle, "ellipse": _ellipse}.get(kind) if isinstance(kind, str) else None
    return AnnotatedObject(label, where, None if draw is None else partial(draw, shape, where=where), str(kind))


def _polygon(shape: dict, size: tuple[int, int], where: str) -> np.ndarray:
    xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        raise UserError(f"{where}: all_points_x and all_points_y are no lists of one length")
    return polygon_mask(corners([[x, y] for x, y in zip(xs, ys)], where), size, where)


def _circle(shape: dict, size: tuple[int, int], where: str) -> np.ndarray:
    x, y, radius = _numbers(shape, ("cx", "cy", "r"), where)
    return ellipse_mask((x, y), (radius, radius), size, where)


def _ellipse(shape: dict, size: tuple[int, int], where: str) -> np.ndarray:
    x, y, first, second = _numbers(shape, ("cx", "cy", "rx", "ry"), where)
    # Version 2 has an angle in radians; version 1 has none.
    (theta,) = _numbers({"theta": 0, **shape}, ("theta",), where)
    return ellipse_mask((x, y), (first, second), size, where, float(np.rad2deg(theta)))


def _numbers(shape: dict, names: tuple[str, ...], where: str) -> list[float]:
    values = [shape.get(name) for name in names]
    if not all(type(value) in (int, float) for value in values):
        raise UserError(f"{where}: {', '.join(names)} are {', '.join(map(shown, values))}, not numbers")
    return values
