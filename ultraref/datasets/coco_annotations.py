"""Reads COCO instances, for converter and data set alike, and lists what is wrong with them before anything is trained."""

import math
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from ultraref.datasets.coco_files import AbsentFileError, FileNameError, ImageFolder, as_relative
from ultraref.datasets.coco_records import CocoProblem, RecordError, read_categories, read_count, read_id
from ultraref.datasets.coco_segmentation import SegmentationError, decode_union, encode_segmentation
from ultraref.datasets.readers.decoding import MAX_PIXELS
from ultraref.datasets.readers.open_source import open_source
from ultraref.errors import UserError
from ultraref.json_file import read_json
from ultraref.text_file import shown

# The class of objects in a file that lists no categories.
NO_CLASS = "lesion"
# Key of `info`: names of the categories that are lesion, so that a file needs no choice.
LESION_CLASSES = "lesion_classes"
_QUARTER_TURNS = (5, 6, 7, 8)


@dataclass(frozen=True)
class CocoImage:
    """One image of a COCO file.

    Attributes:
        name: stem of its file name, unique in the file.
        path: the image file.
        size: (height, width) in pixels.
        objects: the run-length code (pycocotools' compressed form) of each object of the chosen classes.
        crowds: likewise of each region marked `iscrowd`, which holds several objects.
        category: the class of most of them, ties by name; None where there are none.
    """

    name: str
    path: Path
    size: tuple[int, int]
    objects: tuple[dict, ...]
    crowds: tuple[dict, ...]
    category: str | None = None

    def mask(self) -> np.ndarray:
        """Returns the union of objects and crowds, (height, width) uint8 in {0, 1}."""
        return decode_union((*self.objects, *self.crowds), self.size)


def load_coco(path: str | Path) -> dict:
    """Returns the content of a COCO file of instances.

    Raises:
        MissingFileError: there is no such file.
        UserError: it is another kind of file.
    """
    what = "COCO file of instances"
    hint = "a converted set becomes COCO with python tools/dataset_converters/to_coco.py"
    content = read_json(path, what, hint=hint if not Path(path).exists() else "")
    lacking = [key for key in ("images", "annotations") if not isinstance(content.get(key), list)]
    if lacking:
        raise UserError(f"{path}: is no {what}: it has no list {' and no list '.join(lacking)}")
    return content


class CocoFile:
    """The images and annotations that a COCO instances file lists, checked one by one.

    An object may have several polygons, or a run-length code, compressed or not. Ids may be numbers or strings: 7, 7.0 and "7" are the
    same id; and so with heights and widths.

    Args:
        path: the JSON file.

    Attributes:
        counts: number of objects by category, in the order of the file; a category without any has 0.
        stated_classes: names of the categories that are lesion by the file's own info.lesion_classes, as `to_coco` writes; None where
            it doesn't say.
        problems: what is wrong with the lists; `read_images` finds what is wrong with an image and its objects.

    Raises:
        MissingFileError: there is no such file.
        UserError: the file is not COCO instances.
    """

    def __init__(self, path: str | Path):
        content = load_coco(path)
        self.stated_classes = _stated_classes(content.get("info"), path)
        names, self.problems = read_categories(content.get("categories"))
        self._records, unusable, problems = _read_records(content["images"])
        self.problems += problems
        self._by_image, self.counts, problems = _deal_out(
            content["annotations"], self._records, unusable, names if content.get("categories") else None
        )
        self.problems += problems

    def read_images(
        self, image_dir: str | Path, classes: Collection[str], box_tolerance: float = 2.0
    ) -> tuple[list[CocoImage], list[CocoProblem]]:
        """Checks every image and its objects.

        Args:
            image_dir: the folder that `file_name` is relative to; see `ImageFolder`.
            classes: names of the categories that are lesion, see `choose_classes`; the others are background.
            box_tolerance: how far, in pixels, an edge of `bbox` may lie from the mask's own box; one pixel comes from
                rounding polygons to pixels.

        Returns:
            The images that are free of problems which drop them, sorted by name, and all problems of the file.
        """
        folder, images, problems = ImageFolder(image_dir), [], list(self.problems)
        for key, record in self._records.items():
            own = [item for item in self._by_image[key] if item.category is None or item.category in classes]
            image, found = _read_image(record, folder, own, box_tolerance)
            problems += found
            if image is not None:
                images.append(image)
        images, found = _drop_same_names(images)
        return sorted(images, key=lambda image: image.name), problems + found


@dataclass(frozen=True)
class _Record:
    """An image as the file lists it."""

    file_name: str
    name: str
    size: tuple[int, int]


@dataclass(frozen=True)
class _Object:
    """An annotation; its category is None where the file doesn't tell."""

    where: str
    content: dict
    category: str | None


def _stated_classes(info, path: str | Path) -> list[str] | None:
    if not isinstance(info, dict) or LESION_CLASSES not in info:
        return None
    stated = info[LESION_CLASSES]
    if not isinstance(stated, list) or not all(isinstance(name, str) for name in stated):
        raise UserError(f"{path}: info.{LESION_CLASSES} is {shown(stated)}; it must be a list of category names")
    return stated


def _read_records(entries: list) -> tuple[dict[str, _Record], set[str], list[CocoProblem]]:
    """Returns the usable images by id, the ids of others, and what is wrong with those."""
    records: dict[str, _Record] = {}
    problems, twice, unusable = [], set(), set()
    for number, entry in enumerate(entries, start=1):
        where, name, key = f"image number {number}", None, None
        try:
            if not isinstance(entry, dict):
                raise RecordError(f"is {shown(entry)}, not an object {{...}}")
            relative = as_relative(entry.get("file_name"))
            where, name = entry["file_name"], relative.stem
            key = read_id(entry.get("id"), "its id")
            size = (read_count(entry.get("height"), "height"), read_count(entry.get("width"), "width"))
            if size[0] * size[1] > MAX_PIXELS:
                raise RecordError(f"its size, {size[0]} x {size[1]}, is over the limit of {MAX_PIXELS} pixels")
        except (RecordError, FileNameError) as error:
            problems.append(CocoProblem(where, str(error), name))
            unusable.add(key)
            continue
        if key in records:
            twice.add(key)
            problems.append(CocoProblem(where, f"has the id {key} of {records[key].file_name}, too", name))
        else:
            records[key] = _Record(where, name, size)
    for key in sorted(twice):
        # Which of the images its annotations belong to, nobody knows.
        record = records.pop(key)
        problems.append(CocoProblem(record.file_name, f"has the id {key} of another image, too", record.name))
    return records, unusable | twice, problems


def _deal_out(
    entries: list, records: dict[str, _Record], unusable: set[str], names: dict[str, str] | None
) -> tuple[dict[str, list[_Object]], dict[str, int], list[CocoProblem]]:
    """Returns the annotations of each image, how many there are of each class, and what is wrong with the others.

    Those of unusable images are passed over. Without names of categories all objects are of one class.
    """
    by_image: dict[str, list[_Object]] = {key: [] for key in records}
    counts = dict.fromkeys((names or {}).values(), 0)
    problems = []
    for number, entry in enumerate(entries, start=1):
        where = f"annotation number {number}"
        try:
            if not isinstance(entry, dict):
                raise RecordError(f"is {shown(entry)}, not an object {{...}}")
            if isinstance(entry.get("id"), (int, str, float)):
                where = f"annotation {entry['id'] if isinstance(entry['id'], (int, float)) else shown(entry['id'])}"
            key = read_id(entry.get("image_id"), "its image_id")
            if key in unusable:
                continue
            if key not in records:
                raise RecordError(f"its image {shown(key)} is not in the file")
        except RecordError as error:
            problems.append(CocoProblem(where, str(error), drops_image=False))
            continue
        category = NO_CLASS if names is None else None
        if names is not None:
            with suppress(RecordError):
                category = names.get(read_id(entry.get("category_id"), "its category_id"))
        if category is not None:
            counts[category] = counts.get(category, 0) + 1
        by_image[key].append(_Object(f"{records[key].file_name}, {where}", entry, category))
    return by_image, counts, problems


def _read_image(
    record: _Record, folder: ImageFolder, objects: list[_Object], box_tolerance: float
) -> tuple[CocoImage | None, list[CocoProblem]]:
    """Returns an image, None where a problem drops it, and its problems."""
    try:
        path = folder.find(record.file_name)
        _check_size(path, record.size)
    except (FileNameError, RecordError) as error:
        absent = isinstance(error, AbsentFileError)
        return None, [CocoProblem(record.file_name, str(error), record.name, is_missing=absent)]
    problems, plain, crowds = [], [], []
    for item in objects:
        try:
            if item.category is None:
                raise RecordError(f"its category {shown(item.content.get('category_id'))} is not in the file")
            code, polygon_faults = encode_segmentation(item.content.get("segmentation"), record.size)
            problems += [CocoProblem(item.where, fault, record.name, drops_image=False) for fault in polygon_faults]
            _check_box(item.content.get("bbox"), code, record.size, box_tolerance)
            (crowds if _is_crowd(item.content.get("iscrowd")) else plain).append(code)
        except (RecordError, SegmentationError) as error:
            problems.append(CocoProblem(item.where, str(error), record.name))
    if any(problem.drops_image for problem in problems):
        return None, problems
    numbers = Counter(item.category for item in objects)
    category = min(numbers, key=lambda name: (-numbers[name], name), default=None)
    return CocoImage(record.name, path, record.size, tuple(plain), tuple(crowds), category), problems


def _drop_same_names(images: list[CocoImage]) -> tuple[list[CocoImage], list[CocoProblem]]:
    paths: dict[str, list[Path]] = {}
    for image in images:
        paths.setdefault(image.name, []).append(image.path)
    problems = [
        CocoProblem(str(path), f"{len(own)} images have the name {shown(name)}; rename all but one", name)
        for name, own in paths.items()
        if len(own) > 1
        for path in own
    ]
    return [image for image in images if len(paths[image.name]) == 1], problems


def _check_size(path: Path, size: tuple[int, int]) -> None:
    try:
        with open_source(path) as source:
            stored = source.stored_size
            turned = stored != size and source.exif_orientation in _QUARTER_TURNS
    except UserError as error:
        raise RecordError(f"can't be read as an image ({error})") from error
    height, width = stored[::-1] if turned else stored
    if (height, width) != size:
        raise RecordError(f"is {height} x {width} (height x width), but the JSON says {size[0]} x {size[1]}")


def _is_crowd(value) -> bool:
    if value in (0, 1, None, "0", "1"):
        return value in (1, "1")
    raise RecordError(f"its iscrowd is {shown(value)}; it must be 0 or 1")


def _check_box(box, code: dict, size: tuple[int, int], tolerance: float) -> None:
    if box is None or box == []:
        return
    if not isinstance(box, list) or len(box) != 4 or not all(type(v) in (int, float) and math.isfinite(v) for v in box):
        raise RecordError(f"bbox {shown(box)} is not [x, y, width, height]")
    # Annotators draw beyond the image; the mask ends at its border.
    limit = np.array([size[1], size[0], size[1], size[0]], dtype=np.float64)
    given = np.clip([box[0], box[1], box[0] + box[2], box[1] + box[3]], 0, limit)
    x, y, width, height = coco_mask.toBbox(code)
    if np.abs(given - [x, y, x + width, y + height]).max() > tolerance:
        own = ", ".join(f"{value:g}" for value in (x, y, width, height))
        raise RecordError(
            f"bbox [{', '.join(f'{value:g}' for value in box)}] disagrees with that of its outline, [{own}]"
        )
