"""NIfTI pictures, loops and stacks of frames, with masks on the same grid.

Orientation: the first axis runs along the columns from left to right, the second along the rows from the top, whatever the affine's
directions say (`readers.nifti` has the reason). Image and mask must have one affine, so that the rule can't part them.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from ultraref.datasets.converters.choose_classes import choose_classes
from ultraref.datasets.converters.layout import drop_same_names
from ultraref.datasets.converters.mask_path_format import MaskPathFormat
from ultraref.datasets.converters.raw_sample import Found, RawSample, normalise_name
from ultraref.datasets.readers.grey import depth_of
from ultraref.datasets.readers.label_map import grey_label_map
from ultraref.datasets.readers.nifti import NiftiSource, import_nibabel
from ultraref.datasets.readers.open_source import open_source
from ultraref.errors import MissingFileError, UserError

_SUFFIXES = (".nii.gz", ".nii")
# nnU-Net's number of the first channel, which its images have and its masks haven't.
_CHANNEL = "_0000"
# Affines of one grid differ in the last digits that were written, in mm.
_TOLERANCE = 1e-3
# Files whose frames are kept in memory: images and masks of a loop are asked for one after the other.
_KEPT = 2


def find_nifti(
    src: str | Path,
    images: str = "imagesTr/*",
    masks: str = "labelsTr/{case}.nii.gz",
    classes: Sequence[str] | None = None,
    every: int = 1,
    stack: bool = False,
    patient: str | None = None,
) -> Found:
    """Finds NIfTI images and their masks; each frame is an image, and the frames of a file are one video.

    The spacing is the header's, in mm, unless it is 1 x 1: that is what programs write which haven't measured it.

    Args:
        src: the folder.
        images: glob of the images below it.
        masks: path of an image's mask below SRC, in which {folder} is the image's folder, {name} its name without suffix, and {case} that
            without nnU-Net's _0000.
        classes: values of the masks that are lesion.
        every: takes every N-th frame of a file, beginning with the first.
        stack: the third axis of a volume holds frames.
        patient: regular expression that is searched in an image's path below SRC; its first group is the patient.

    Raises:
        MissingLibraryError: nibabel isn't installed.
        FileNotFoundError: there is no such folder, no image, or no mask.
        UserError: an option is wrong, or classes are to be chosen.
    """
    src = Path(src)
    if not src.is_dir():
        raise MissingFileError(f"{src}: no such folder")
    if every < 1:
        raise UserError(f"--every is {every}; it must be at least 1")
    import_nibabel()
    mask_format, patient_of = MaskPathFormat(masks, ("folder", "name", "case")), _patient_finder(patient)
    paths = sorted(path for path in src.glob(images) if path.name.lower().endswith(_SUFFIXES) and path.is_file())
    if not paths:
        raise MissingFileError(f"{src}: --images {images!r} finds no NIfTI file ({', '.join(_SUFFIXES)})")
    mask_of = {path: mask_format.path(src, _parts(path, src)) for path in paths}
    used = set(mask_of.values())
    found, counts, depths = Found([], source=src), Counter(), set()
    for path in paths:
        if path in used:
            continue
        if not mask_of[path].is_file():
            found.left_out.append(f"{path}: an image without a mask (looked for {mask_of[path]})")
            continue
        try:
            with open_source(path, stack=stack) as image, open_source(mask_of[path], stack=stack) as mask:
                _check_grid(image, mask)
                for frame in range(mask.num_frames):
                    counts.update(grey_label_map(mask.values(frame), mask.path).labels)
                if stack:
                    depths |= _depths(image)
                found.samples += _samples(image, mask_of[path], every, patient_of(path.relative_to(src).as_posix()))
        except UserError as error:
            found.bad.append(str(error))
    if not found.samples and not found.bad:
        raise MissingFileError(
            f"{src}: none of its {len(paths)} images has a mask; that of {paths[0]} would be {mask_of[paths[0]]}"
        )
    chosen = tuple(choose_classes(counts, classes, str(src)))
    bits = max(depths, default=None)
    found.samples = [
        replace(
            sample,
            load_image=partial(_load_image, stack=stack, own_bits=bits),
            load_masks=partial(_load_mask, labels=chosen, stack=stack),
        )
        for sample in found.samples
    ]
    found.samples, same = drop_same_names(found.samples)
    found.bad += same
    found.notes += _notes(found.samples, bits)
    return found


def _patient_finder(pattern: str | None):
    if pattern is None:
        return lambda relative: None
    try:
        expression = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise UserError(f"--patient {pattern!r} is no regular expression ({error})") from error
    if expression.groups < 1:
        raise UserError(f"--patient has a group in parentheses, but it is {pattern!r}")

    def search(relative: str) -> str | None:
        match = expression.search(relative)
        return match[1].lower() if match else None

    return search


def _parts(path: Path, src: Path) -> dict[str, str]:
    name = _stem(path)
    return {"folder": path.parent.relative_to(src).as_posix(), "name": name, "case": name.removesuffix(_CHANNEL)}


def _stem(path: Path) -> str:
    suffix = next(suffix for suffix in _SUFFIXES if path.name.lower().endswith(suffix))
    return path.name[: -len(suffix)]


def _check_grid(image: NiftiSource, mask: NiftiSource) -> None:
    for source in (image, mask):
        if not isinstance(source, NiftiSource):
            raise UserError(f"{source.path}: is no NIfTI file, whatever its name says")
    if mask.num_frames != image.num_frames:
        raise UserError(f"{mask.path}: has {mask.num_frames} frames, but its image {image.path} has {image.num_frames}")
    if not np.allclose(image.affine, mask.affine, rtol=_TOLERANCE, atol=_TOLERANCE):
        raise UserError(
            f"{mask.path}: its affine {_shown(mask)} differs from that of its image, {_shown(image)}, so that they may be turned against "
            "each other; save the mask on the grid of the image"
        )


def _shown(source: NiftiSource) -> str:
    return str([[round(float(value), 3) for value in row] for row in source.affine[:3]])


def _depths(image: NiftiSource) -> set[int]:
    """Returns the depths of the frames that don't state theirs."""
    if not image.depth_unknown:
        return set()
    frames = (image.values(index) for index in range(image.num_frames))
    return {depth_of(values, image.path) for values in frames if values.dtype.kind in "iu"}


def _samples(image: NiftiSource, mask_path: Path, every: int, patient: str | None) -> Iterator[RawSample]:
    name = normalise_name(_stem(image.path).removesuffix(_CHANNEL))
    is_loop = image.num_frames > 1
    measured = any(abs(zoom - 1) > _TOLERANCE for zoom in image.zooms) and min(image.zooms) > 0
    sample = RawSample(
        name=name,
        image_path=image.path,
        mask_paths=(mask_path,),
        patient=patient,
        video=name if is_loop else None,
        # The first axis runs along the columns.
        spacing=image.zooms[::-1] if measured else None,
        spacing_source="NIfTI header" if measured else None,
    )
    for frame in range(0, image.num_frames, every):
        yield replace(sample, name=f"{name}_f{frame:04d}", frame=frame) if is_loop else sample


@lru_cache(maxsize=_KEPT)
def _grey_frames(path: Path, bits: int | None, stack: bool) -> np.ndarray:
    """Returns (N, H, W) uint8. Frame by frame a compressed file would be unpacked from its beginning each time."""
    with open_source(path, bits=bits, stack=stack) as source:
        return np.stack([source.frame(index) for index in range(source.num_frames)])


@lru_cache(maxsize=_KEPT)
def _mask_frames(path: Path, labels: tuple[str, ...], stack: bool) -> np.ndarray:
    """Returns (N, H, W) uint8 in {0, 1}."""
    with open_source(path, stack=stack) as source:
        frames = (source.values(index) for index in range(source.num_frames))
        return np.stack([grey_label_map(values, path).is_label(labels) for values in frames])


def _load_image(sample: RawSample, bits: int | None, stack: bool, own_bits: int | None) -> np.ndarray:
    return _grey_frames(sample.image_path, own_bits if stack else bits, stack)[sample.frame or 0]


def _load_mask(sample: RawSample, labels: tuple[str, ...], stack: bool) -> tuple[list[np.ndarray], str | None]:
    return [_mask_frames(sample.mask_paths[0], labels, stack)[sample.frame or 0]], None


def _notes(samples: list[RawSample], bits: int | None) -> list[str]:
    measured = sum(sample.spacing is not None for sample in samples)
    notes = [f"pixel spacing by NIfTI header: {measured}, none, as it says 1 x 1 mm: {len(samples) - measured}"]
    if samples and all(sample.patient is None for sample in samples):
        notes.append("patients are not known (--patient); images of one may lie in several parts")
    if bits is not None:
        notes.append(f"depth: frames of more than 8 bits were taken as {bits} bits, by the largest value of the set")
    return notes
