"""Instances in COCO's JSON format (Lin et al., "Microsoft COCO: Common objects in context", ECCV 2014)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ultraref.datasets.coco_annotations import NO_CLASS, CocoFile, CocoImage, load_coco
from ultraref.datasets.coco_files import walk_files
from ultraref.datasets.converters.choose_classes import choose_classes
from ultraref.datasets.converters.layout import drop_same_names
from ultraref.datasets.converters.raw_sample import Found, RawSample, normalise_name
from ultraref.errors import MissingFileError, UserError


def find_coco(src: str | Path, annotations: str | None = None, classes: Sequence[str] | None = None) -> Found:
    """Finds the images that a COCO file lists, and their annotations, by the rules of `CocoFile`.

    Polygons and run lengths, compressed or not, are all lesion, those of iscrowd, too: together they make the image's
    mask. The image's class is the category of most of its objects, ties by name; "lesion" stands for none. An image
    without an object has no lesion.

    Args:
        src: folder of the images; `file_name` is relative to it or to a folder in it, or is a unique file name there.
        annotations: the JSON file; by default the only one below SRC that lists images and annotations.
        classes: names of the categories that are lesion; the others are background. None for the only one.

    Raises:
        MissingFileError: there is no such folder or file.
        UserError: the JSON is damaged, isn't of instances, it is unclear which file is meant, or several categories occur and none is
            chosen.
    """
    src = Path(src)
    if not src.is_dir():
        raise MissingFileError(f"{src}: no such folder; give the folder of the images")
    path = Path(annotations) if annotations else _only_annotations(src)
    coco = CocoFile(path)
    chosen = choose_classes(coco.counts, coco.stated_classes if classes is None else classes, str(path))
    images, problems = coco.read_images(src, chosen)
    samples = [
        RawSample(normalise_name(image.name), image.path, (), _category(image), load_masks=partial(_load, image))
        for image in images
    ]
    samples, same = drop_same_names(samples)
    missing, bad = ([f"{path}: {p}" for p in problems if p.is_missing == kind] for kind in (True, False))
    return Found(samples, [], bad + same, source=src, missing=missing)


def _load(image: CocoImage, sample: RawSample) -> tuple[list[np.ndarray], str | None]:
    return [image.mask()], sample.category


def _category(image: CocoImage) -> str | None:
    return None if image.category in (None, NO_CLASS) else image.category.lower()


def _only_annotations(src: Path) -> Path:
    candidates, refusals = [], []
    for path in walk_files(src):
        if path.suffix.lower() == ".json":
            try:
                load_coco(path)
            except UserError as error:
                refusals.append(str(error))
            else:
                candidates.append(path)
    if len(candidates) != 1:
        found = ", ".join(map(str, candidates)) or "; ".join(refusals[:3]) or "none"
        raise UserError(f"{src}: holds {len(candidates)} COCO files ({found}); name one with --annotations")
    return candidates[0]
