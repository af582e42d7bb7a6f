"""Any folder of images and masks, found by glob and name pattern."""

import fnmatch
import re
from collections import Counter
from pathlib import Path

from ultraref.datasets.converters.layout import drop_same_names
from ultraref.datasets.converters.raw_sample import Found, RawSample, normalise_name
from ultraref.errors import MissingFileError, UserError


def find_folder(
    src: str | Path,
    images: str = "images/*",
    masks: str = "masks/*",
    mask_name: str = "{name}",
    patient: str | None = None,
    category: str | None = None,
) -> Found:
    """Finds images and masks by their paths relative to SRC.

    Args:
        src: the folder.
        images: glob of the images, e.g. "*/image_*.png". What `masks` finds, too, is no image if it fits the pattern
            of a mask of another image.
        masks: glob of the masks.
        mask_name: pattern of the stems of an image's masks; {name} is the image's stem, {case} the same without nnU-Net's
            "_0000" at its end. With a "*", as in "{name}_mask*", an image may have several masks, whose union is taken;
            without it, one. Letter case doesn't matter.
        patient: regular expression that is searched in the image's relative path; its first group is the patient.
        category: the same for the class, e.g. "(benign|malignant)".

    Raises:
        FileNotFoundError: there is no such folder, or nothing fits the globs.
        ValueError: a pattern lacks {name} and {case}, or its group, or a mask fits several images.
    """
    src = Path(src)
    if not src.is_dir():
        raise MissingFileError(f"{src}: no such folder")
    if "{name}" not in mask_name and "{case}" not in mask_name:
        raise UserError(
            f"the pattern of mask names holds {{name}}, the image's stem (or {{case}}, that without _0000), but it is {mask_name!r}"
        )
    patient_of, category_of = _searcher(patient, "patient"), _searcher(category, "class")
    mask_files = _glob(src, masks)
    stems = {path: path.stem.lower() for path in mask_files}
    candidates = _glob(src, images)
    masks_of = {}
    for path in candidates:
        stem = path.stem.lower()
        pattern = (
            mask_name.lower().replace("{name}", _escape(stem)).replace("{case}", _escape(stem.removesuffix("_0000")))
        )
        fits = re.compile(fnmatch.translate(pattern)).fullmatch
        masks_of[path] = tuple(mask for mask in mask_files if mask != path and fits(stems[mask]))
    used = Counter(mask for its_masks in masks_of.values() for mask in its_masks)
    shared = sorted(mask for mask, count in used.items() if count > 1)
    if shared:
        raise UserError(f"{shared[0]}: fits {used[shared[0]]} images by the pattern {mask_name!r}; make it narrower")
    samples, left_out, bad = [], [], []
    for path in candidates:
        relative = path.relative_to(src).as_posix()
        if path in used:
            continue
        if not masks_of[path]:
            left_out.append(f"{path}: an image without a mask")
        elif len(masks_of[path]) > 1 and "*" not in mask_name:
            bad.append(
                f"{path}: has {len(masks_of[path])} masks ({', '.join(map(str, masks_of[path]))}); one is allowed"
            )
        else:
            name = normalise_name(path.stem)
            samples.append(RawSample(name, path, masks_of[path], category_of(relative), patient_of(relative)))
    left_out += [
        f"{path}: a mask without an image" for path in mask_files if path not in used and path not in candidates
    ]
    if not candidates or not mask_files:
        raise MissingFileError(
            f"{src}: the glob {images!r} finds {len(candidates)} images, {masks!r} {len(mask_files)} masks"
        )
    samples, same = drop_same_names(samples)
    return Found(samples, sorted(left_out), bad + same, source=src)


def _glob(src: Path, pattern: str) -> list[Path]:
    return sorted(path for path in src.glob(pattern) if path.is_file() and not path.name.startswith("."))


def _escape(stem: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", stem)


def _searcher(pattern: str | None, what: str):
    if pattern is None:
        return lambda _: None
    expression = re.compile(pattern, re.IGNORECASE)
    if expression.groups < 1:
        raise UserError(f"the expression of the {what} has a group in parentheses, but it is {pattern!r}")

    def search(relative: str) -> str | None:
        match = expression.search(relative)
        return match[1].lower() if match else None

    return search
