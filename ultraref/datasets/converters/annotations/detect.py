"""Which tool's annotations a folder holds."""

from collections.abc import Sequence
from pathlib import Path

from ultraref.datasets.converters.annotations.cvat import is_cvat
from ultraref.datasets.converters.annotations.labelme import is_labelme
from ultraref.datasets.converters.annotations.safe_xml import read_xml
from ultraref.datasets.converters.annotations.supervisely import is_supervisely
from ultraref.datasets.converters.annotations.via import is_via
from ultraref.errors import UserError
from ultraref.json_file import read_json

FORMATS = ("labelme", "via", "cvat", "supervisely", "yolo")
# Files of a kind that are looked into; a set is of one tool.
_LOOKED_INTO = 20


def detect_format(src: Path, files: Sequence[str]) -> str:
    """Returns the format of the annotations below a folder.

    Args:
        src: the folder.
        files: relative paths of its files.

    Raises:
        UserError: there are annotations of no format, or of several.
    """
    found: dict[str, str] = {}
    for file in [file for file in files if file.lower().endswith(".json")][:_LOOKED_INTO]:
        kind = _kind_of_json(src / file)
        if kind:
            found.setdefault(kind, file)
    for file in [file for file in files if file.lower().endswith(".xml")][:_LOOKED_INTO]:
        try:
            if is_cvat(read_xml(src / file)):
                found.setdefault("cvat", file)
        except UserError:
            continue
    for file in files:
        parts = file.lower().split("/")
        if parts[-1].endswith(".txt") and "labels" in parts[:-1]:
            found.setdefault("yolo", file)
            break
    if "coco" in found and len(found) == 1:
        raise UserError(
            f"{src}: {found['coco']} is a COCO file; convert it with python tools/dataset_converters/coco.py {src} DST"
        )
    if len(found) != 1:
        listed = ", ".join(f"{kind} ({file})" for kind, file in found.items())
        raise UserError(
            f"{src}: holds annotations of {f'several formats: {listed}' if found else 'no format that is known'}; say which with "
            f"--format {'|'.join(FORMATS)}"
        )
    return next(iter(found))


def _kind_of_json(path: Path) -> str | None:
    """Returns the format of a JSON file; None for any other content, and for a file that can't be read."""
    try:
        content = read_json(path)
    except UserError:
        return None
    if {"images", "annotations"} <= content.keys():
        return "coco"
    for kind, fits in (("labelme", is_labelme), ("supervisely", is_supervisely), ("via", is_via)):
        if fits(content):
            return kind
    return None
