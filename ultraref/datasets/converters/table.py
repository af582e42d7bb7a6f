"""A table of images and masks: a CSV file with the columns image and mask, and any others."""

from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

from ultraref.csv_table import read_rows
from ultraref.datasets.converters.layout import drop_same_names
from ultraref.datasets.converters.mask_classes import LesionChoice, with_lesion_classes
from ultraref.datasets.converters.named_parts import sample_fields, spacing_of
from ultraref.datasets.converters.raw_sample import Found, RawSample, normalise_name
from ultraref.errors import MissingFileError, UserError

# What people call the columns that fill a field; letter case and spaces around don't matter.
ALIASES = {
    "image": ("image", "image_path", "img", "filename", "file"),
    "mask": ("mask", "mask_path", "segmentation", "label_path"),
    "name": ("name",),
    "patient": ("patient", "patient_id"),
    "study": ("study", "study_id"),
    "side": ("side", "laterality"),
    "video": ("video", "clip", "loop"),
    "frame": ("frame",),
    "class": ("class", "category"),
    "split": ("split", "fold"),
    "spacing": ("spacing", "spacing_mm"),
    "spacing_y": ("spacing_y", "spacing_row"),
    "spacing_x": ("spacing_x", "spacing_column"),
}
# Characters of a cell: paths and words, not documents.
_LONGEST = 4096


def find_table(table: str | Path, root: str | Path | None = None, choice: LesionChoice | None = None) -> Found:
    """Finds the images and masks that a table names.

    One row an image, or one row a mask: rows of one image are united, and must agree in everything else. Columns are found by
    `ALIASES`; every other one is an attribute. The name of an image is the column name, else its file's, where those of the
    table differ, else its whole path below the root.

    Args:
        table: the CSV file, UTF-8, with a header.
        root: folder that paths are relative to; by default the table's.
        choice: what the user says of the masks.

    Raises:
        MissingFileError: there is no such file or folder.
        UserError: the table isn't whole, or lacks a column; or see `with_lesion_classes`.
    """
    table = Path(table)
    root = table.parent if root is None else Path(root)
    if not root.is_dir():
        raise MissingFileError(f"{root}: no such folder; --root is the folder that the table's paths are relative to")
    rows = _read_rows(table)
    images: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        images.setdefault(row["image"], []).append(row)
    # Takes slashes of both kinds.
    stems = [PureWindowsPath(image).stem for image in images]
    unique = len({normalise_name(stem) for stem in stems}) == len(stems)
    samples, left_out, bad, gone = [], [], [], []
    for image, own in images.items():
        where = f"{table}: line {own[0]['_line']}"
        path, masks = _resolve(root, image), [row["mask"] for row in own if row.get("mask")]
        missing = [str(root / file) for file in (image, *masks) if _resolve(root, file) is None]
        differing = sorted(
            {key for row in own for key in row if key not in ("mask", "_line") and row[key] != own[0][key]}
        )
        if missing:
            gone.append(f"{where}: there is no file {' and no '.join(missing)}")
        elif differing:
            bad.append(f"{where}: image {image} has several rows, which differ in {', '.join(differing)}")
        elif not masks:
            left_out.append(f"{path}: an image without a mask")
        else:
            written = PureWindowsPath(image)
            name = own[0].get("name") or (written.stem if unique else str(written.with_suffix("")))
            files = tuple(dict.fromkeys(_resolve(root, mask) for mask in masks))
            samples.append(RawSample(normalise_name(name), path, files, **_fields(own[0], where)))
    if (gone or bad) and not samples:
        raise MissingFileError(f"{table}: no row names an image and its mask below {root}; {(gone + bad)[0]}")
    samples, same = drop_same_names(samples)
    found = Found(samples, sorted(left_out), bad + same, source=root, missing=gone)
    return with_lesion_classes(found, choice or LesionChoice())


def _read_rows(table: Path) -> list[dict[str, str]]:
    """Returns the rows by what their columns mean, with `_line`; a column that fills no field keeps its own name."""
    header, lines = read_rows(table, hint="give the CSV file that lists images and masks", fold_case=False)
    columns = _columns(header, table)
    rows = []
    for line, cells in lines:
        where = f"{table}: line {line}"
        if len(cells) != len(columns):
            raise UserError(f"{where} has {len(cells)} cells, but the header {len(columns)}")
        if max(map(len, cells)) > _LONGEST:
            raise UserError(f"{where} has a cell of over {_LONGEST} characters")
        row = dict(zip(columns, cells))
        if not row["image"]:
            raise UserError(f"{where} names no image")
        rows.append({**row, "_line": str(line)})
    if not rows:
        raise UserError(f"{table}: has no rows")
    return rows


def _columns(names: list[str], table: Path) -> list[str]:
    keys = [name.lower().replace(" ", "_") for name in names]
    # The first of a field's names that the header has; a further one is a column of its own.
    meaning = {
        next(alias for alias in aliases if alias in keys): field
        for field, aliases in ALIASES.items()
        if {*aliases} & {*keys}
    }
    columns = [meaning.get(key, name) for key, name in zip(keys, names)]
    for field in ("image", "mask"):
        if field not in columns:
            raise UserError(
                f"{table}: has no column {field!r} ({', '.join(ALIASES[field])}); its header is {', '.join(names) or 'empty'}"
            )
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice or "" in columns:
        raise UserError(f"{table}: columns occur twice or have no name: {', '.join(names)}")
    return columns


def _resolve(root: Path, relative: str) -> Path | None:
    """Returns the file, also where its path is written with backslashes; None where it isn't there."""
    for text in dict.fromkeys((relative, relative.replace("\\", "/"))):
        try:
            if (root / text).is_file():
                return root / text
        except (OSError, ValueError):  # a name that is too long, or holds a zero byte
            return None
    return None


def _fields(row: Mapping[str, str], where: str) -> dict:
    """Returns the fields of the sample that the row fills."""
    spacings = {name: row[name] for name in ("spacing", "spacing_y", "spacing_x") if row.get(name)}
    others = {name: text for name, text in row.items() if name not in ("image", "mask", "name", "_line", *spacings)}
    fields = sample_fields(others, where)
    if "spacing" in spacings:
        fields["spacing"] = spacing_of(spacings["spacing"], spacings["spacing"], where)
    elif spacings:
        fields["spacing"] = spacing_of(spacings.get("spacing_y", ""), spacings.get("spacing_x", ""), where)
    if "spacing" in fields:
        fields["spacing_source"] = "the table"
    return fields
