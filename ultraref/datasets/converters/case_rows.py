"""The rows of cases.csv, from what converters found and what was measured while writing."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ultraref.datasets.case_file import CaseFile, further_columns
from ultraref.datasets.converters.prepare import Prepared
from ultraref.datasets.converters.raw_sample import Found, RawSample
from ultraref.datasets.splits import ImageEntry


def describe_cases(found: Found, prepared: Mapping[str, Prepared], entries: Mapping[str, ImageEntry]) -> CaseFile:
    """Returns what is known of each image of the set.

    The path is relative to the folder that holds all files, whatever folder above it the converter was given, so that two copies of a
    set have one file; or what stands for it where it may say who the patient is.

    Args:
        found: all that was found.
        prepared: those that were written, by name.
        entries: those that are part of the set, by name.

    Raises:
        UserError: two columns of the source get one name.
    """
    root = _common_folder(found.samples)
    return CaseFile({name: _row(prepared[name], entry, root, found.public_names) for name, entry in entries.items()})


def _row(item: Prepared, entry: ImageEntry, root: str, public_names: Mapping[str, str]) -> dict[str, str]:
    sample = item.sample
    relative = Path(os.path.relpath(os.path.abspath(sample.image_path), root)).as_posix()
    row = {
        "path": public_names.get(str(sample.image_path), relative),
        "split": entry.split,
        "fold": entry.fold,
        "patient": sample.patient,
        "study": sample.study,
        "side": sample.side,
        "video": sample.video,
        "frame": sample.frame,
        "class": item.category,
        "height": item.size[0],
        "width": item.size[1],
        "lesion_area": item.lesion_area,
        "lesion_parts": item.components,
        **further_columns(sample.attributes, without=item.contradictions),
    }
    if sample.spacing is not None:
        # The stored image has the pixels of the one that was read.
        row["spacing_row"], row["spacing_column"] = (f"{value:.9g}" for value in sample.spacing)
        row["spacing_source"] = sample.spacing_source
    return {column: str(value) for column, value in row.items() if value is not None and str(value)}


def _common_folder(samples: Iterable[RawSample]) -> str:
    folders = {os.path.abspath(path.parent) for sample in samples for path in (sample.image_path, *sample.mask_paths)}
    try:
        return os.path.commonpath(folders)
    except ValueError:
        # Windows: files on several drives.
        return os.path.abspath(os.sep)
