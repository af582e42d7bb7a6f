"""Writes a published set, once found, in the layout that `LesionDataset` reads."""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ultraref.atomic import atomic_folder
from ultraref.datasets.case_file import CASES_NAME
from ultraref.datasets.converters.assign_splits import TEST
from ultraref.datasets.converters.case_rows import describe_cases
from ultraref.datasets.converters.depth import common_depth
from ultraref.datasets.converters.given_splits import GivenSplits
from ultraref.datasets.converters.group_sheet import GROUP_SHEET_NAME, write_group_sheet
from ultraref.datasets.converters.grouping import SplitOptions, find_groups, plan_split
from ultraref.datasets.converters.montage import write_montage
from ultraref.datasets.converters.normals import with_normals
from ultraref.datasets.converters.prepare import Prepared, prepare
from ultraref.datasets.converters.raw_sample import Found, RawSample
from ultraref.datasets.converters.report import ConversionReport
from ultraref.datasets.converters.split_manifest import SplitManifest
from ultraref.datasets.judged_pairs import JudgedPairs
from ultraref.datasets.splits import SPLITS_NAME, ImageEntry, Splits
from ultraref.errors import UserError
from ultraref.names import check_name

REPORT_NAME = "report.json"
MONTAGE_NAME = "montage.png"
# Defects that one message lists.
_LISTED = 20


def convert(
    found: Found,
    dst: str | Path,
    dataset: str,
    *,
    seed: int = 0,
    num_folds: int = 5,
    test_percent: int = 20,
    ungrouped: bool = False,
    duplicate_distance: int | None = None,
    accept_large_groups: bool = False,
    resize_masks: bool = False,
    keep_normals: bool = False,
    skip_bad: bool = False,
    skip_missing: bool = False,
    manifest: SplitManifest | None = None,
    given_splits: GivenSplits | None = None,
    pairs: JudgedPairs | None = None,
    progress: Callable | None = None,
) -> ConversionReport:
    """Writes DST/{train,test}/{images,masks}/NAME.png, splits.json, cases.csv, report.json and montage.png.

    Images become 8-bit grey and masks 0/255 (`image_io` has the rules); the masks of one image are merged; images
    without a lesion are dropped. The images of a patient, and near-duplicates, lie in one fold or all in the test set.
    DST appears when all is written; the same input gives the same bytes.

    Args:
        found: the images, e.g. from `find_busi`.
        dst: folder to write; what an earlier conversion wrote there is replaced.
        dataset: name of the set.
        seed: seed of the split.
        num_folds: folds of the training images; the samples' official folds, where they have them, decide instead.
        test_percent: share of the test images; official folds leave none but those that they name.
        ungrouped: makes the plain seeded split of single images instead, for comparison with the literature;
            splits.json and every result say so.
        duplicate_distance: largest Hamming distance of the 256-bit pHashes of near-duplicates; None chooses it by the set's own
            distances (`likeness.duplicate_distance`).
        accept_large_groups: takes a group of near-duplicates of more than 2 % of the set or 30 images as one. Otherwise its
            farthest pairs are left out until no part of it is larger, and the report shows it.
        resize_masks: resizes masks of another size than their image instead of refusing them.
        keep_normals: takes images without a lesion into the set, with an empty mask. The part of the others doesn't depend on it.
        skip_bad: leaves out and counts what would be an error of the data.
        skip_missing: leaves out and counts images that the source names, and that aren't there.
        manifest: a published split, which takes the place of an own one; the files must be those that it names.
        given_splits: parts that someone decided, likewise, of images or patients of this copy.
        pairs: pairs that a person has looked at: accepted ones stay together, rejected ones are no duplicates.
        progress: wraps the list of samples as it is gone through, e.g. `rich.progress.track`.

    Raises:
        FileExistsError: DST holds files that no converter wrote.
        ValueError: there are no samples, or, unless `skip_bad`, the data has defects, or unless `skip_missing` images are
            missing; the message names them. Or the manifest is of other files.
    """
    dst = Path(dst)
    options = SplitOptions(
        seed=seed,
        num_folds=num_folds,
        test_percent=test_percent,
        ungrouped=ungrouped,
        duplicate_distance=duplicate_distance,
        accept_large_groups=accept_large_groups,
        manifest=manifest,
        given=given_splits,
        pairs=pairs,
    )
    _check_destination(dst)
    if found.source is not None and dst.resolve() == found.source.resolve():
        raise UserError(f"{dst}: is where the images come from, and would be replaced; give another folder")
    _check_names(found.samples, dataset)
    report = ConversionReport(
        dataset,
        found=len(found.samples),
        left_out=[found.public(message) for message in found.left_out],
        notes=[*found.notes],
    )
    report.missing = [found.public(message) for message in found.missing]
    if found.missing and not skip_missing:
        raise UserError(_describe_missing(found.missing, dataset))
    with atomic_folder(dst) as staging:
        report.bits = common_depth(sample.image_path for sample in found.samples)
        prepared, defects = _prepare_all(found.samples, staging, resize_masks, report.bits, progress)
        bad = [*found.bad, *defects]
        if bad and not skip_bad:
            raise UserError(_describe_defects(bad, dataset))
        report.bad = [found.public(message) for message in bad]
        kept = {name: item for name, item in prepared.items() if item.lesion_area}
        if not kept:
            raise UserError(f"{dataset}: none of the {len(found.samples)} images has a lesion")
        normals = {name: item for name, item in prepared.items() if name not in kept}
        plan = plan_split(kept, normals, found, dataset, options)
        if keep_normals:
            wide = {name: name for name in prepared}
            if not plan.ungrouped:
                groups = find_groups(prepared, found.together, dataset, options)
                # A split that others decided may part near-duplicates, but no patient.
                wide = groups.certain if plan.decided or plan.training_folds else groups.of
            plan, report.torn_normals = with_normals(plan, normals, wide, test_percent)
        entries = {}
        for name, item in prepared.items():
            if name in plan.parts:
                split, fold = ("test", None) if plan.parts[name] == TEST else ("train", plan.parts[name])
                entries[name] = ImageEntry(
                    split,
                    fold,
                    item.sha256,
                    item.mask_sha256,
                    item.category,
                    plan.groups[name],
                    item.pixels,
                    item.sample.patient,
                    normal=name not in kept,
                )
            _move(staging, name, entries[name].split if name in entries else None)
        for kind in ("images", "masks"):
            (staging / kind).rmdir()
            for split in ("train", "test"):
                (staging / split / kind).mkdir(parents=True, exist_ok=True)
        cases = describe_cases(found, prepared, entries)
        splits = Splits(dataset, plan.seed, plan.grouped, plan.grouping, plan.num_folds, entries, cases)
        splits.write(staging)
        report.summarise(prepared, splits)
        report.duplicates = plan.facts
        (staging / REPORT_NAME).write_text(report.to_json(), encoding="utf-8")
        write_montage(staging, splits, staging / MONTAGE_NAME)
        if plan.large:
            write_group_sheet(staging, splits, [group.names for group in plan.large], staging / GROUP_SHEET_NAME)
    return report


def _check_destination(dst: Path) -> None:
    """Refuses a folder with files that no converter wrote."""
    if dst.exists() and not dst.is_dir():
        raise UserError(f"{dst}: is a file; give an empty or a new folder")
    if not dst.is_dir():
        return
    files = {path.relative_to(dst).as_posix() for path in dst.rglob("*") if not path.is_dir()}
    foreign = sorted(file for file in files if not _is_own(file))
    if foreign or (any(dst.iterdir()) and SPLITS_NAME not in files):
        listed = ", ".join(foreign[:5]) or "a set without splits.json"
        raise UserError(f"{dst}: holds what no converter wrote ({listed}); give an empty or a new folder")


def _is_own(file: str) -> bool:
    parts = file.split("/")
    if len(parts) == 1:
        return file in (SPLITS_NAME, CASES_NAME, REPORT_NAME, MONTAGE_NAME, GROUP_SHEET_NAME)
    return (
        len(parts) == 3
        and parts[0] in ("train", "test", "normals")
        and parts[1] in ("images", "masks")
        and file.endswith(".png")
    )


def _check_names(samples: list[RawSample], dataset: str) -> None:
    check_name(dataset, "--name", "give another")
    if not samples:
        raise UserError(f"{dataset}: no image with a mask was found")
    twice = sorted(name for name, count in Counter(sample.name for sample in samples).items() if count > 1)
    if twice:
        files = [str(sample.image_path) for sample in samples if sample.name == twice[0]]
        raise UserError(f"{dataset}: {len(twice)} names occur twice, e.g. {twice[0]!r} for {' and '.join(files)}")
    if len({sample.fold is None for sample in samples}) > 1:
        raise UserError(f"{dataset}: some images have an official fold and some haven't")


def _prepare_all(
    samples: list[RawSample], staging: Path, resize_masks: bool, bits: int | None, progress: Callable | None
) -> tuple[dict[str, Prepared], list[str]]:
    """Writes all images and masks to STAGING/{images,masks}; returns them by name, sorted, and the defects found.

    Decoding and encoding release Python's lock, so threads use all cores; results are taken in the order of names.
    """
    for kind in ("images", "masks"):
        (staging / kind).mkdir()
    samples = sorted(samples, key=lambda sample: sample.name)
    prepared, defects = {}, []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {sample.name: pool.submit(prepare, sample, staging, resize_masks, bits) for sample in samples}
        try:
            for sample in progress(samples) if progress else samples:
                try:
                    prepared[sample.name] = jobs.pop(sample.name).result()
                except ValueError as error:
                    defects.append(str(error))
        finally:
            pool.shutdown(cancel_futures=True)
    return prepared, defects


def _describe_defects(bad: list[str], dataset: str) -> str:
    more = f"\n  and {len(bad) - _LISTED} more" if len(bad) > _LISTED else ""
    listed = "".join(f"\n  {message}" for message in bad[:_LISTED])
    return f"{dataset}: {len(bad)} defects; repair them, or leave them out with --skip-bad:{listed}{more}"


def _describe_missing(missing: list[str], dataset: str) -> str:
    more = f"\n  and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
    listed = "".join(f"\n  {message}" for message in missing[:_LISTED])
    return f"{dataset}: {len(missing)} images are missing; put them there, or leave them out with --skip-missing:{listed}{more}"


def _move(staging: Path, name: str, part: str | None) -> None:
    """Moves a pair of files from STAGING/{images,masks} to STAGING/PART/{images,masks}, or removes it."""
    for kind in ("images", "masks"):
        path = staging / kind / f"{name}.png"
        if part is not None:
            (staging / part / kind).mkdir(parents=True, exist_ok=True)
            path.rename(staging / part / kind / path.name)
        else:
            path.unlink()
