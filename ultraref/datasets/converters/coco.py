"""Instances in COCO's JSON format (Lin et al., "Microsoft COCO: Common objects in context", ECCV 2014)."""

import json
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from pycocotools import mask as rle

from ultraref.datasets.converters.layout import drop_same_names
from ultraref.datasets.converters.raw_sample import Found, RawSample, normalise_name
from ultraref.errors import MissingFileError, UserError

# The category of a lesion of no known class.
NO_CLASS = "lesion"


def find_coco(src: str | Path, annotations: str | None = None) -> Found:
    """Finds the images that a COCO file lists, and their annotations.

    Polygons and run lengths, compressed or not, are all lesion, those of iscrowd, too: together they make the image's
    mask. The image's class is the category of most of its annotations, ties by name; "lesion" stands for none. An image
    without an annotation has no lesion.

    Args:
        src: folder of the images; `file_name` is relative to it or to a folder in it, or is a unique file name there.
        annotations: the JSON file; by default the only one below SRC that lists images and annotations.

    Raises:
        FileNotFoundError: there is no such folder or file.
        ValueError: the JSON is damaged, isn't of instances, or it is unclear which file is meant.
    """
    src = Path(src)
    if not src.is_dir():
        raise MissingFileError(f"{src}: no such folder; give the folder of the images")
    path = Path(annotations) if annotations else _only_annotations(src)
    content = _read(path)
    names = {category["id"]: str(category["name"]).lower() for category in content.get("categories", [])}
    listed = {entry["id"] for entry in content["images"]}
    of_image: dict = {}
    bad = []
    for annotation in content["annotations"]:
        if annotation.get("image_id") not in listed:
            bad.append(
                f"{path}: annotation {annotation.get('id')} is of image {annotation.get('image_id')}, not listed"
            )
        of_image.setdefault(annotation.get("image_id"), []).append(annotation)
    files = sorted(file for file in src.rglob("*") if file.is_file())
    by_name: dict[str, list[Path]] = {}
    for file in files:
        by_name.setdefault(file.name, []).append(file)
    samples, left_out = [], []
    for entry in content["images"]:
        try:
            shape, relative = (int(entry["height"]), int(entry["width"])), Path(entry["file_name"])
        except (KeyError, TypeError, ValueError) as error:
            bad.append(f"{path}: image {entry['id']} lacks a valid file_name, height or width ({error!r})")
            continue
        matches = [src / relative] if (src / relative).is_file() else by_name.get(relative.name, [])
        if len(matches) != 1:
            found = ", ".join(map(str, matches)) or "none"
            left_out.append(f"{src / relative}: an image of {path.name} that is not there once (found: {found})")
            continue
        own = of_image.get(entry["id"], [])
        sample = RawSample(normalise_name(relative.stem), matches[0], (), _category(own, names))
        samples.append(replace(sample, load_masks=partial(_load, shape=shape, annotations=own, path=path)))
    samples, same = drop_same_names(samples)
    return Found(samples, sorted(left_out), bad + same, source=src)


def decode(segmentation: list | dict, shape: tuple[int, int]) -> np.ndarray:
    """Decodes one annotation's segmentation to (H, W) uint8 in {0, 1}.

    Args:
        segmentation: polygons [[x1, y1, x2, y2, ...], ...], or run lengths {"size": [H, W], "counts": ...}.
        shape: (height, width) of the image.

    Raises:
        ValueError: it is neither.
        KeyError, TypeError: the run lengths are damaged.
    """
    if isinstance(segmentation, dict):
        if isinstance(segmentation["counts"], list):
            segmentation = rle.frPyObjects(segmentation, *shape)
        return rle.decode(segmentation)
    # pycocotools raises a bare Exception at anything else.
    if not isinstance(segmentation, list) or not all(
        isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0 for polygon in segmentation
    ):
        raise UserError("segmentation is neither run lengths nor polygons of at least three points")
    if not segmentation:
        return np.zeros(shape, np.uint8)
    return rle.decode(rle.merge(rle.frPyObjects(segmentation, *shape)))


def _load(
    sample: RawSample, shape: tuple[int, int], annotations: list[dict], path: Path
) -> tuple[list[np.ndarray], str | None]:
    masks = []
    for annotation in annotations:
        try:
            mask = decode(annotation["segmentation"], shape)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UserError(f"{path}: annotation {annotation.get('id')} can't be decoded ({error!r})") from error
        if mask.shape != shape:
            raise UserError(f"{path}: annotation {annotation['id']} is {mask.shape}, but its image {shape}")
        masks.append(mask)
    return masks or [np.zeros(shape, np.uint8)], sample.category


def _category(annotations: list[dict], names: dict) -> str | None:
    counts = Counter(names.get(annotation.get("category_id"), NO_CLASS) for annotation in annotations)
    if not counts:
        return None
    name = min(counts, key=lambda name: (-counts[name], name))
    return None if name == NO_CLASS else name


def _only_annotations(src: Path) -> Path:
    candidates = []
    for path in sorted(src.rglob("*.json")):
        try:
            _read(path)
        except ValueError:
            continue
        candidates.append(path)
    if len(candidates) != 1:
        found = ", ".join(map(str, candidates)) or "none"
        raise UserError(f"{src}: holds {len(candidates)} COCO files ({found}); name one with --annotations")
    return candidates[0]


def _read(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is no whole JSON file ({error})") from error
    if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
        raise UserError(f"{path}: is no COCO file of instances: it has no images or no annotations")
    return content
