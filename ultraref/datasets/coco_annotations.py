"""Reads COCO instances, and lists what is wrong with them before anything is trained."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from ultraref.errors import MissingFileError, UserError

# Coordinates of a polygon with fewer corners than a triangle.
_TRIANGLE = 6


@dataclass(frozen=True)
class CocoImage:
    """One image of a COCO file.

    Attributes:
        name: stem of its file name, unique in the file.
        path: the image file.
        size: (height, width) in pixels.
        objects: the run-length code (pycocotools' compressed form) of each object.
        crowds: likewise of each region marked `iscrowd`, which holds several objects.
    """

    name: str
    path: Path
    size: tuple[int, int]
    objects: tuple[dict, ...]
    crowds: tuple[dict, ...]

    def mask(self) -> np.ndarray:
        """Returns the union of objects and crowds, (height, width) uint8 in {0, 1}."""
        return decode_union((*self.objects, *self.crowds), self.size)


@dataclass(frozen=True)
class CocoProblem:
    """Something in a COCO file that is not as it should be.

    Attributes:
        where: image file name and annotation id, in words.
        what: what was found and what is expected.
        image: name of the image that it concerns; None for an annotation of no image.
        drops_image: whether skipping the problem leaves the image out. A polygon without area covers no pixel and is
            left out alone; anything else would turn a lesion into background.
    """

    where: str
    what: str
    image: str | None = None
    drops_image: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def decode_union(codes: Sequence[dict], size: tuple[int, int]) -> np.ndarray:
    """Returns the union of run-length codes, (height, width) uint8 in {0, 1}; none gives an empty mask."""
    if not codes:
        return np.zeros(size, np.uint8)
    return coco_mask.decode(coco_mask.merge(list(codes)))


def read_coco(
    ann_file: str | Path,
    image_dir: str | Path,
    categories: Sequence[str] | None = None,
    box_tolerance: float = 2.0,
) -> tuple[list[CocoImage], list[CocoProblem]]:
    """Reads a COCO instances file and checks every image and annotation of it.

    An object may have several polygons, or a run-length code, compressed or not. Ids may be numbers or strings: 7 and
    "7" are the same id.

    Args:
        ann_file: the JSON file.
        image_dir: the folder that `file_name` is relative to.
        categories: names of the categories whose objects count; None for all.
        box_tolerance: how far, in pixels, an edge of `bbox` may lie from the mask's own box; one pixel comes from
            rounding polygons to pixels.

    Returns:
        The images that are free of problems which drop them, sorted by name, and all problems.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not COCO instances, ids or names occur twice, or a category is not known.
    """
    content = _load(Path(ann_file))
    wanted = _wanted_categories(content, categories, ann_file)
    records = {str(record["id"]): record for record in content["images"]}
    _refuse_duplicates([str(record["id"]) for record in content["images"]], "image ids", ann_file)
    _refuse_duplicates([Path(record["file_name"]).stem for record in content["images"]], "image names", ann_file)
    problems: list[CocoProblem] = []
    annotations: dict[str, list[dict]] = {key: [] for key in records}
    for annotation in content["annotations"]:
        key = str(annotation.get("image_id"))
        if key not in records:
            where = f"annotation {annotation.get('id')}"
            problems.append(CocoProblem(where, f"its image {key!r} is not in the file", drops_image=False))
        elif wanted is None or str(annotation.get("category_id")) in wanted:
            annotations[key].append(annotation)
    images = []
    for key, record in records.items():
        image, found = _read_image(record, Path(image_dir, record["file_name"]), annotations[key], box_tolerance)
        problems += found
        if image is not None:
            images.append(image)
    return sorted(images, key=lambda image: image.name), problems


def _load(path: Path) -> dict:
    if not path.is_file():
        raise MissingFileError(
            f"{path}: no such file. A converted set becomes COCO with python tools/dataset_converters/to_coco.py"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: is not JSON ({error})") from error
    lacking = [key for key in ("images", "annotations") if not isinstance(content, dict) or key not in content]
    if lacking:
        raise UserError(f"{path}: is not a COCO instances file: it has no {' and no '.join(lacking)}")
    for record in content["images"]:
        absent = [key for key in ("id", "file_name", "height", "width") if key not in record]
        if absent:
            raise UserError(f"{path}: the image {record.get('file_name', record)} has no {', '.join(absent)}")
    return content


def _wanted_categories(content: dict, names: Sequence[str] | None, path) -> set[str] | None:
    if names is None:
        return None
    known = {category["name"]: str(category["id"]) for category in content.get("categories", [])}
    strange = sorted(set(names) - set(known))
    if strange:
        raise UserError(f"{path}: has no categories {', '.join(strange)}; it has {', '.join(sorted(known)) or 'none'}")
    return {known[name] for name in names}


def _refuse_duplicates(values: list[str], what: str, path) -> None:
    twice = sorted(value for value, count in Counter(values).items() if count > 1)
    if twice:
        raise UserError(f"{path}: {len(twice)} {what} occur more than once, e.g. {', '.join(twice[:5])}; rename them")


class _Fault(Exception):
    """Why an image can't be used; becomes a `CocoProblem`."""


def _read_image(
    record: dict, path: Path, annotations: list[dict], box_tolerance: float
) -> tuple[CocoImage | None, list[CocoProblem]]:
    """Returns an image, None where a problem drops it, and its problems."""
    name, size = path.stem, (record["height"], record["width"])
    try:
        _check_file(path, size)
    except _Fault as fault:
        return None, [CocoProblem(record["file_name"], str(fault), name)]
    problems, objects, crowds = [], [], []
    for annotation in annotations:
        where = f"{record['file_name']}, annotation {annotation.get('id')}"
        try:
            code, polygon_faults = _encode(annotation.get("segmentation"), size)
            problems += [CocoProblem(where, fault, name, drops_image=False) for fault in polygon_faults]
            _check_box(annotation.get("bbox"), code, size, box_tolerance)
        except _Fault as fault:
            problems.append(CocoProblem(where, str(fault), name))
        else:
            (crowds if annotation.get("iscrowd") else objects).append(code)
    if any(problem.drops_image for problem in problems):
        return None, problems
    return CocoImage(name, path, size, tuple(objects), tuple(crowds)), problems


def _check_file(path: Path, size: tuple[int, int]) -> None:
    if not path.is_file():
        raise _Fault(f"there is no file {path}")
    try:
        with Image.open(path) as image:
            width, height = image.size
    except OSError as error:
        raise _Fault(f"can't be read as an image ({error})") from error
    if (height, width) != size:
        raise _Fault(f"is {height} x {width} (height x width), but the JSON says {size[0]} x {size[1]}")


def _encode(segmentation, size: tuple[int, int]) -> tuple[dict, list[str]]:
    """Returns the run-length code of an object, and what is wrong with polygons that were left out."""
    if isinstance(segmentation, dict):
        code, faults = _encode_runs(segmentation, size), []
    else:
        code, faults = _encode_polygons(segmentation or [], size)
    if not coco_mask.area(code):
        raise _Fault("its mask covers no pixel")
    return code, faults


def _encode_runs(segmentation: dict, size: tuple[int, int]) -> dict:
    counts = segmentation.get("counts")
    if list(segmentation.get("size", [])) != list(size) or not counts:
        raise _Fault(f"its run-length code is of size {segmentation.get('size')}, the image of {list(size)}")
    if isinstance(counts, list):
        if min(counts) < 0 or sum(counts) != size[0] * size[1]:
            raise _Fault(f"its runs cover {sum(counts)} pixels, the image has {size[0] * size[1]}")
        return coco_mask.frPyObjects(segmentation, *size)
    return {"size": list(size), "counts": counts.encode() if isinstance(counts, str) else counts}


def _encode_polygons(polygons: list, size: tuple[int, int]) -> tuple[dict, list[str]]:
    codes, faults = [], []
    for index, polygon in enumerate(polygons):
        fault = _polygon_fault(polygon)
        if fault is None:
            code = coco_mask.frPyObjects([polygon], *size)[0]
            if coco_mask.area(code):
                codes.append(code)
                continue
            fault = "covers no pixel"
        faults.append(f"polygon {index} {fault}")
    if not codes:
        raise _Fault(f"an object without an outline ({'; '.join(faults) or 'it has no polygon'})")
    return coco_mask.merge(codes), faults


def _polygon_fault(polygon) -> str | None:
    if not isinstance(polygon, list) or not all(isinstance(value, (int, float)) for value in polygon):
        return "is not a list of numbers"
    if len(polygon) < _TRIANGLE or len(polygon) % 2:
        return f"has {len(polygon)} numbers; x and y of at least 3 corners are needed"
    if not all(map(math.isfinite, polygon)):
        return "has a coordinate that is not finite"
    return None


def _check_box(box, code: dict, size: tuple[int, int], tolerance: float) -> None:
    if not box:
        return
    if len(box) != 4:
        raise _Fault(f"bbox {box} is not [x, y, width, height]")
    # Annotators draw beyond the image; the mask ends at its border.
    limit = np.array([size[1], size[0], size[1], size[0]], dtype=np.float64)
    given = np.clip([box[0], box[1], box[0] + box[2], box[1] + box[3]], 0, limit)
    x, y, width, height = coco_mask.toBbox(code)
    if np.abs(given - [x, y, x + width, y + height]).max() > tolerance:
        own = ", ".join(f"{value:g}" for value in (x, y, width, height))
        raise _Fault(f"bbox [{', '.join(f'{value:g}' for value in box)}] disagrees with that of its outline, [{own}]")
