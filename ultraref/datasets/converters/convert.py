"""Writes a published set, once found, in the layout that `LesionDataset` reads."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ultraref.datasets.atomic import atomic_folder
from ultraref.datasets.converters.assign_splits import TEST, assign_grouped, assign_plain, size_strata
from ultraref.datasets.converters.duplicates import connected_groups, near_duplicate_pairs, perceptual_hash
from ultraref.datasets.converters.raw_sample import RawSample
from ultraref.datasets.image_io import encode_png, read_image, read_mask
from ultraref.datasets.splits import SPLITS_NAME, ImageEntry, Splits

# Bits of 256. Near-duplicates above it are no longer surely the same lesion.
DUPLICATE_DISTANCE = 20


@dataclass
class ConversionReport:
    """What became of a set.

    Attributes:
        dataset: name of the set.
        found: images found.
        kept: images written.
        blank: names of the images without a lesion, which are dropped.
        merged: names of the images with several masks that hold a lesion, whose union was taken.
        left_out: one message for each file that could not be used.
        classes: kept images per class.
        num_groups: groups of more than one image.
        num_grouped: images in those groups.
        parts: kept images per part, "test" or "fold K".
        splits_hash: hash of the split.
    """

    dataset: str
    found: int
    kept: int = 0
    blank: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    classes: dict[str, int] = field(default_factory=dict)
    num_groups: int = 0
    num_grouped: int = 0
    parts: dict[str, int] = field(default_factory=dict)
    splits_hash: str = ""

    def __str__(self) -> str:
        lines = [
            f"{self.dataset}: {self.found} images found, {self.kept} kept, {len(self.blank)} without a lesion dropped, "
            f"{len(self.merged)} with several masks merged, {len(self.left_out)} files left out",
            "classes: " + ", ".join(f"{count} {name}" for name, count in self.classes.items()),
            f"groups: {self.num_groups} of more than one image, {self.num_grouped} images in them",
            "parts: " + ", ".join(f"{count} {name}" for name, count in self.parts.items()),
            f"splits hash: {self.splits_hash[:16]}",
        ]
        return "\n".join(lines + [f"left out: {message}" for message in self.left_out])


def convert(
    samples: list[RawSample],
    dst: str | Path,
    dataset: str,
    *,
    left_out: list[str] = (),
    seed: int = 0,
    num_folds: int = 5,
    test_percent: int = 20,
    ungrouped: bool = False,
    duplicate_distance: int = DUPLICATE_DISTANCE,
    progress: Callable | None = None,
) -> ConversionReport:
    """Writes DST/{train,test}/{images,masks}/NAME.png and DST/splits.json.

    Images become 8-bit grey and masks 0/255 (`image_io` has the rules); the masks of one image are merged; images
    without a lesion are dropped. The images of a patient, and near-duplicates, lie in one fold or all in the test set.
    DST appears when all is written; the same input gives the same bytes.

    Args:
        samples: the images, e.g. from `find_busi`.
        dst: folder to write; what an earlier conversion wrote there is replaced.
        dataset: name of the set.
        left_out: messages about files that were not taken up as samples, for the report.
        seed: seed of the split.
        num_folds: folds of the training images.
        test_percent: share of the test images.
        ungrouped: makes the plain seeded split of single images instead, for comparison with the literature;
            splits.json and every result say so.
        duplicate_distance: largest Hamming distance of the 256-bit pHashes of near-duplicates.
        progress: wraps the list of samples as it is gone through, e.g. `rich.progress.track`.

    Raises:
        FileExistsError: DST holds files that no converter wrote.
        ValueError: there are no samples, a file can't be read, image and mask differ in size, a name occurs twice.
    """
    dst = Path(dst)
    _check_destination(dst)
    _check_names(samples, dataset)
    report = ConversionReport(dataset, found=len(samples), left_out=list(left_out))
    with atomic_folder(dst) as staging:
        kept = _write_pictures(samples, staging, report, progress)
        if not kept:
            raise ValueError(f"{dataset}: none of the {len(samples)} images has a lesion")
        groups, grouping = _find_groups(kept, duplicate_distance, ungrouped)
        parts = _deal_out(kept, groups, seed, num_folds, test_percent, ungrouped)
        for folder in ("train/images", "train/masks", "test/images", "test/masks"):
            (staging / folder).mkdir(parents=True)
        entries = {}
        for name, item in kept.items():
            split, fold = ("test", None) if parts[name] == TEST else ("train", parts[name])
            for kind in ("images", "masks"):
                (staging / kind / f"{name}.png").rename(staging / split / kind / f"{name}.png")
            entries[name] = ImageEntry(
                split, fold, item.sha256, item.mask_sha256, item.sample.category, groups[name], item.pixels
            )
        for kind in ("images", "masks"):
            (staging / kind).rmdir()
        splits = Splits(dataset, seed, not ungrouped, grouping, num_folds, entries)
        (staging / SPLITS_NAME).write_text(splits.to_json(), encoding="utf-8")
        _summarise(report, splits, groups)
    return report


@dataclass(frozen=True)
class _Kept:
    sample: RawSample
    sha256: str
    mask_sha256: str
    pixels: str
    lesion_parts_per_million: int
    phash: np.ndarray


def _check_destination(dst: Path) -> None:
    """Refuses a folder with files that no converter wrote."""
    if dst.is_dir():
        foreign = sorted(path.name for path in dst.iterdir() if path.name not in ("train", "test", SPLITS_NAME))
        if foreign or (any(dst.iterdir()) and not (dst / SPLITS_NAME).is_file()):
            listed = ", ".join(foreign[:5]) or "folders without splits.json"
            raise FileExistsError(f"{dst}: holds what no converter wrote ({listed}); give an empty or a new folder")
    elif dst.exists():
        raise FileExistsError(f"{dst}: is a file; give an empty or a new folder")


def _check_names(samples: list[RawSample], dataset: str) -> None:
    if not samples:
        raise ValueError(f"{dataset}: no image with a mask was found")
    twice = sorted(name for name, count in Counter(sample.name for sample in samples).items() if count > 1)
    if twice:
        files = [str(sample.image_path) for sample in samples if sample.name == twice[0]]
        raise ValueError(f"{dataset}: {len(twice)} names occur twice, e.g. {twice[0]!r} for {' and '.join(files)}")


def _write_pictures(samples, staging: Path, report: ConversionReport, progress: Callable | None) -> dict[str, _Kept]:
    """Writes images and masks with a lesion to STAGING/{images,masks} and returns them by name, sorted."""
    for kind in ("images", "masks"):
        (staging / kind).mkdir()
    kept = {}
    samples = sorted(samples, key=lambda sample: sample.name)
    for sample in progress(samples) if progress else samples:
        image = read_image(sample.image_path)
        masks = [read_mask(path) for path in sample.mask_paths]
        for mask, path in zip(masks, sample.mask_paths):
            if mask.shape != image.shape:
                raise ValueError(
                    f"{path}: the mask is {mask.shape[0]} x {mask.shape[1]} (height x width), but the image "
                    f"{sample.image_path} is {image.shape[0]} x {image.shape[1]}"
                )
        mask = np.maximum.reduce(masks)
        if not mask.any():
            report.blank.append(sample.name)
            continue
        if sum(bool(part.any()) for part in masks) > 1:
            report.merged.append(sample.name)
        image_png, mask_png = encode_png(image), encode_png(mask * np.uint8(255))
        (staging / "images" / f"{sample.name}.png").write_bytes(image_png)
        (staging / "masks" / f"{sample.name}.png").write_bytes(mask_png)
        kept[sample.name] = _Kept(
            sample=sample,
            sha256=hashlib.sha256(image_png).hexdigest(),
            mask_sha256=hashlib.sha256(mask_png).hexdigest(),
            pixels=hashlib.sha256(f"{image.shape}".encode() + image.tobytes() + mask.tobytes()).hexdigest(),
            lesion_parts_per_million=int(mask.sum(dtype=np.int64)) * 10**6 // mask.size,
            phash=perceptual_hash(image),
        )
    return kept


def _find_groups(kept: dict[str, _Kept], duplicate_distance: int, ungrouped: bool) -> tuple[dict[str, str], str]:
    """Returns the first name of each image's group by name, and how groups were found in words."""
    names = list(kept)
    if ungrouped:
        return {name: name for name in names}, "none"
    pairs = near_duplicate_pairs(np.stack([kept[name].phash for name in names]), duplicate_distance)
    first_of_patient: dict[str, int] = {}
    for index, name in enumerate(names):
        patient = kept[name].sample.patient
        if patient is not None:
            pairs.append((first_of_patient.setdefault(patient, index), index))
    grouping = f"{'patient and ' if first_of_patient else ''}pHash distance <= {duplicate_distance} of 256 bits"
    return {names[i]: names[root] for i, root in enumerate(connected_groups(len(names), pairs))}, grouping


def _deal_out(kept: dict[str, _Kept], groups, seed, num_folds, test_percent, ungrouped) -> dict[str, str | int]:
    if ungrouped:
        return assign_plain(list(kept), seed, num_folds, test_percent)
    strata = size_strata(
        {name: item.sample.category for name, item in kept.items()},
        {name: item.lesion_parts_per_million for name, item in kept.items()},
    )
    return assign_grouped(groups, strata, seed, num_folds, test_percent)


def _summarise(report: ConversionReport, splits: Splits, groups: dict[str, str]) -> None:
    report.kept = len(splits.images)
    report.classes = dict(sorted(Counter(str(entry.category) for entry in splits.images.values()).items()))
    sizes = [count for count in Counter(groups.values()).values() if count > 1]
    report.num_groups, report.num_grouped = len(sizes), sum(sizes)
    parts = Counter("test" if entry.fold is None else f"fold {entry.fold}" for entry in splits.images.values())
    report.parts = dict(sorted(parts.items()))
    report.splits_hash = splits.hash
