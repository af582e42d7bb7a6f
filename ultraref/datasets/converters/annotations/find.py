"""From the files of annotation tools to samples: where the images are, which classes are lesion, which split is given."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ultraref.datasets.converters.annotations.cvat import read_cvat
from ultraref.datasets.converters.annotations.detect import FORMATS, detect_format
from ultraref.datasets.converters.annotations.labelme import read_labelme
from ultraref.datasets.converters.annotations.objects import AnnotatedImage, AnnotatedObject
from ultraref.datasets.converters.annotations.supervisely import read_supervisely
from ultraref.datasets.converters.annotations.via import read_via
from ultraref.datasets.converters.annotations.yolo import label_path, read_class_names, read_yolo
from ultraref.datasets.converters.choose_classes import choose_classes, describe_choice
from ultraref.datasets.converters.folder import list_files
from ultraref.datasets.converters.given_parts import WORDS
from ultraref.datasets.converters.layout import drop_same_names
from ultraref.datasets.converters.raw_sample import Found, RawSample, normalise_name
from ultraref.datasets.readers.open_source import SUFFIXES, open_source
from ultraref.errors import MissingFileError, UserError

# What an object without a class is called.
NO_CLASS = "lesion"
_SUFFIX_OF = {"labelme": ".json", "via": ".json", "cvat": ".xml", "supervisely": ".json"}
# Roboflow names a copy, changed by its augmentation or not, NAME_jpg.rf.HASH.jpg.
_COPY = re.compile(r"(.+)\.rf\.[0-9a-zA-Z]+")


def find_annotations(
    src: str | Path,
    format: str | None = None,
    classes: Sequence[str] | None = None,
    label_attribute: str | None = None,
    keep_split: bool = True,
) -> Found:
    """Finds the images that an annotation tool's files speak of, and the outlines on them.

    Outlines become masks by one rule (`rasterise`). The image's class is that of most of its objects that are lesion, ties by
    name; the attribute lesion_classes names all. An image without an object that is lesion has an empty mask. Folders called
    train, valid and test, and subsets of CVAT, are the split where every image has one. Copies by Roboflow's augmentation stay together.

    Args:
        src: folder of the annotations and the images.
        format: one of FORMATS; None looks what it is.
        classes: those that are lesion; needed where there are several.
        label_attribute: of VIA, the attribute of regions that is the class.
        keep_split: False makes an own split.

    Raises:
        MissingFileError: there is no such folder, or none of the images is there.
        UserError: the format isn't clear, a file is damaged, or there are several classes and none is chosen.
    """
    src = Path(src)
    if not src.is_dir():
        raise MissingFileError(f"{src}: no such folder; give the folder of the annotations and the images")
    if format not in (None, *FORMATS):
        raise UserError(f"--format {format!r} is not known; it may be {', '.join(FORMATS)}")
    files = list_files(src)
    format = format or detect_format(src, files)
    if label_attribute is not None and format != "via":
        raise UserError(f"--label-attribute is for VIA, but the annotations are {format}")
    images, bad = _read_yolo(src, files) if format == "yolo" else _read_files(src, files, format, label_attribute)
    locate = _Locator(src, files)
    counts = Counter(item.label or NO_CLASS for image in images for item in image.objects)
    chosen = choose_classes(dict(sorted(counts.items())), classes, str(src))
    located: dict[str, tuple[AnnotatedImage, list[AnnotatedObject]]] = {}
    missing = []
    for image in images:
        relative = locate(image)
        objects = [item for item in image.objects if (item.label or NO_CLASS) in chosen]
        flat = next((item for item in objects if item.draw is None), None)
        if relative is None:
            missing.append(f"{image.annotation}: its image {image.image} is not below {src} once")
        elif relative in located:
            bad.append(
                f"{image.annotation}: its image {relative} has annotations in {located[relative][0].annotation}, too"
            )
        elif flat is not None:
            bad.append(
                f"{image.annotation}: {flat.where} on {image.image} is a {flat.shape}, which is no outline of a lesion"
            )
        else:
            located[relative] = image, objects
    if not located:
        raise MissingFileError(
            f"{src}: {len(images)} images have annotations, and none can be used; {next(iter(missing + bad), 'there are no files')}"
        )
    left_out = [
        f"{src / file}: an image without annotations"
        for file in files
        if file.lower().endswith(SUFFIXES) and file not in located and not _is_label(file)
    ]
    names = _names(list(located))
    samples = [_sample(src, relative, names[relative], *found) for relative, found in located.items()]
    if keep_split:
        samples = _with_split(samples, located, names)
    samples, same = drop_same_names(samples)
    notes = [describe_choice(chosen, counts, "objects")] if len(counts) > 1 else []
    return Found(samples, sorted(left_out), bad + same, _copies(located, names), src, notes, missing)


def _read_files(
    src: Path, files: Sequence[str], format: str, label_attribute: str | None
) -> tuple[list[AnnotatedImage], list[str]]:
    """Returns the images of all files of a format, and a message for each file that can't be read."""
    readers = {
        "labelme": read_labelme,
        "cvat": read_cvat,
        "supervisely": read_supervisely,
        "via": partial(read_via, label_attribute=label_attribute),
    }
    candidates = [file for file in files if file.lower().endswith(_SUFFIX_OF[format])]
    if format == "supervisely":
        # meta.json and the like describe the project.
        candidates = [file for file in candidates if Path(file).parent.name == "ann"] or candidates
    if not candidates:
        raise MissingFileError(f"{src}: holds no {_SUFFIX_OF[format]} file, which {format} writes")
    images, bad = [], []
    for file in candidates:
        try:
            images += readers[format](src / file)
        except UserError as error:
            bad.append(str(error))
    if not images:
        raise UserError(bad[0] if bad else f"{src}: its {format} files speak of no image")
    return images, bad


def _read_yolo(src: Path, files: Sequence[str]) -> tuple[list[AnnotatedImage], list[str]]:
    lists = [file for file in files if file.lower().endswith((".yaml", ".yml"))]
    if len(lists) > 1:
        raise UserError(
            f"{src}: holds several YAML files, {', '.join(lists[:5])}; leave the one with the names of the classes there"
        )
    names = read_class_names(src / lists[0]) if lists else {}
    texts = {file.lower(): file for file in files if file.lower().endswith(".txt")}
    images, bad = [], []
    for file in files:
        text = texts.get(label_path(file).lower()) if file.lower().endswith(SUFFIXES) else None
        if text is not None:
            try:
                images.append(read_yolo(src / file, src / text, names))
            except UserError as error:
                bad.append(str(error))
    if not images:
        raise UserError(
            bad[0] if bad else f"{src}: no image below it has a text file, as images/1.png and labels/1.txt"
        )
    return images, bad


class _Locator:
    """Finds the image of an annotation among the files of a folder, and nowhere else."""

    def __init__(self, src: Path, files: Sequence[str]):
        self._src = src
        self._files = {file for file in files if file.lower().endswith(SUFFIXES) and not _is_label(file)}
        self._by_name: dict[str, list[str]] = {}
        for file in self._files:
            name = Path(file).name
            for key in {name.lower(), Path(name).stem.lower()}:
                self._by_name.setdefault(key, []).append(file)

    def __call__(self, image: AnnotatedImage) -> str | None:
        """Returns the relative path, by the path that the tool wrote, or by the file's name if that is there once."""
        written = image.image.replace("\\", "/")
        folder = os.path.relpath(image.folder, self._src).replace(os.sep, "/")
        for start in (folder, ".", f"{folder}/images"):
            relative = os.path.normpath(f"{start}/{written}").replace(os.sep, "/")
            if relative in self._files:
                return relative
        found = self._by_name.get(written.rsplit("/", 1)[-1].lower(), [])
        return found[0] if len(found) == 1 else None


def _is_label(file: str) -> bool:
    """Whether an image file is a rendering of masks, as Supervisely writes beside its annotations."""
    return bool({"masks_machine", "masks_human", "masks_instances"} & set(file.split("/")[:-1]))


def _names(paths: Sequence[str]) -> dict[str, str]:
    """Returns the name of each image: its stem, where stems differ, else its path."""
    stems = {path: normalise_name(Path(path).stem) for path in paths}
    if len(set(stems.values())) == len(stems):
        return stems
    return {path: normalise_name(os.path.splitext(path)[0]) for path in paths}


def _sample(
    src: Path, relative: str, name: str, image: AnnotatedImage, objects: Sequence[AnnotatedObject]
) -> RawSample:
    counts = Counter(item.label or NO_CLASS for item in objects)
    attributes = dict(image.attributes)
    category = None
    if counts and set(counts) != {NO_CLASS}:
        attributes["lesion_classes"] = "+".join(sorted(counts))
        category = min(counts, key=lambda label: (-counts[label], label)).lower()
    load = partial(_load, size=image.size, objects=tuple(objects), annotation=image.annotation)
    return RawSample(name, src / relative, (), category, load_masks=load, attributes=attributes)


def _load(
    sample: RawSample, size: tuple[int, int] | None, objects: Sequence[AnnotatedObject], annotation: Path
) -> tuple[list[np.ndarray], str | None]:
    """Returns the mask of the first object, and the union of the others: a thousand of them don't fill the memory."""
    if size is None:
        with open_source(sample.image_path) as source:
            size = source.values().shape[:2]
    masks: list[np.ndarray] = []
    for item in objects:
        try:
            mask = item.draw(size)
        except UserError as error:
            raise UserError(f"{annotation}: {error}") from error
        if not mask.any():
            raise UserError(
                f"{annotation}: {item.where} covers no pixel of its image, {size[0]} x {size[1]} (height x width)"
            )
        if len(masks) < 2:
            masks.append(mask)
        else:
            masks[1] |= mask
    return masks or [np.zeros(size, np.uint8)], sample.category


def _with_split(samples: list[RawSample], located: dict, names: dict[str, str]) -> list[RawSample]:
    """Returns the samples in the parts that folders or subsets give them, where all have one."""
    folds = {}
    for relative, (image, _) in located.items():
        words = [image.split or "", *reversed(relative.split("/")[:-1])]
        folds[names[relative]] = next((WORDS[word.lower()] for word in words if word.lower() in WORDS), None)
    if None in folds.values():
        return samples
    return [replace(sample, fold=folds[sample.name]) for sample in samples]


def _copies(paths, names: dict[str, str]) -> list[tuple[str, str]]:
    """Returns pairs of names that Roboflow made of one image."""
    first: dict[str, str] = {}
    pairs = []
    for path in paths:
        match = _COPY.fullmatch(Path(path).stem)
        if match and first.setdefault(match[1], path) != path:
            pairs.append((names[first[match[1]]], names[path]))
    return pairs
