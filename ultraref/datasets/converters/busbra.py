"""The published layout of BUS-BRA (Gomez-Flores et al., "BUS-BRA: A breast ultrasound dataset for assessing
computer-aided diagnosis systems", Medical Physics 51(4), 2024)."""

from pathlib import Path

from ultraref.csv_table import read_rows, whole_number
from ultraref.datasets.converters.layout import drop_same_names, find_root, list_images, pair_files, resolve
from ultraref.datasets.converters.raw_sample import Found, RawSample, normalise_name
from ultraref.datasets.converters.stated_geometry import StatedGeometry
from ultraref.defaults import OFFICIAL_FOLDS
from ultraref.errors import MissingFileError, UserError

SIDES = ("left", "right")


def find_busbra(src: str | Path, official_folds: int | None = None) -> Found:
    """Finds SRC/Images/bus_0001-l.png, SRC/Masks/mask_0001-l.png and what SRC/bus_data.csv says of them.

    The patient is the column Case, the class Pathology. Side, Device, BIRADS, Histology, BBOX and whatever other columns there are go
    into cases.csv; Width, Height and BBOX are held against the files. An image that the table doesn't list is a defect, as its
    patient isn't known; one that the table lists and that isn't there is missing. All may lie one level deeper.

    Args:
        src: folder of the unpacked archive.
        official_folds: 5 or 10 takes the folds of 5-fold-cv.csv or 10-fold-cv.csv (column kFold, from 1 up).

    Raises:
        FileNotFoundError: there is no such folder, or what is named above isn't in it.
        ValueError: a table has no header or lacks a column, or there are no such official folds.
    """
    if official_folds not in (None, *OFFICIAL_FOLDS):
        raise UserError(f"BUS-BRA has {' or '.join(map(str, OFFICIAL_FOLDS))} official folds, not {official_folds}")
    places = find_root(src, ("Images", "Masks", "bus_data.csv"), "BUS-BRA")
    images, stray_images = list_images(places["Images"])
    masks, stray_masks = list_images(places["Masks"])
    pairs, lonely, bad = pair_files(images, masks, _name_of_mask)
    table, defects = _read_table(places["bus_data.csv"], ("Case", "Pathology"))
    bad += defects
    folds = None
    if official_folds is not None:
        path = resolve(places["bus_data.csv"].parent, f"{official_folds}-fold-cv.csv")
        if path is None:
            raise MissingFileError(f"{places['bus_data.csv'].parent}: has no {official_folds}-fold-cv.csv")
        folds, defects = _read_folds(path, official_folds)
        bad += defects
    samples = []
    for name, image, mask in pairs:
        if name not in table:
            bad.append(f"{image}: is not listed in {places['bus_data.csv'].name}, so its patient is not known")
        elif folds is not None and name not in folds:
            bad.append(f"{image}: is not listed in {official_folds}-fold-cv.csv, so its fold is not known")
        else:
            row = table[name]
            fold = None if folds is None else folds[name]
            samples.append(_sample(name, image, mask, row, fold))
    present = {normalise_name(path.stem) for path in images}
    missing = [
        f"{places['Images'] / row['ID']}: is listed in bus_data.csv" for n, row in table.items() if n not in present
    ]
    samples, same = drop_same_names(samples)
    return Found(
        samples, sorted(stray_images + stray_masks + lonely), bad + same, source=Path(src), missing=sorted(missing)
    )


def _sample(name: str, image: Path, mask: Path, row: dict[str, str], fold: int | None) -> RawSample:
    side = row.get("Side", "").lower()
    # What is neither left nor right stays as it is written.
    used = ("ID", "Case", "Pathology", "Width", "Height", *(["Side"] if side in SIDES else []))
    return RawSample(
        name,
        image,
        (mask,),
        row["Pathology"].lower(),
        row["Case"],
        fold,
        side=side if side in SIDES else None,
        attributes={column: value for column, value in row.items() if column and column not in used and value},
        stated=StatedGeometry(row.get("Width", ""), row.get("Height", ""), row.get("BBOX", "")),
    )


def _name_of_mask(stem: str) -> str:
    name = normalise_name(stem)
    return "bus_" + name.removeprefix("mask_") if name.startswith("mask_") else name


def _read_table(path: Path, columns: tuple[str, ...]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Returns the rows by normalised ID, and a message for each that is cut short, lacks one of `columns` or occurs twice."""
    header, lines = read_rows(path, ("ID", *columns), fold_case=False)
    rows, bad = {}, []
    for line, cells in lines:
        row = dict(zip(header, cells))
        name = normalise_name(Path(row.get("ID", "")).stem)
        # A file cut off in the middle ends in a row of too few cells, or in a shortened last one.
        if len(cells) != len(header) or not name or not all(row[column] for column in columns):
            bad.append(f"{path}: line {line} is not whole: {','.join(cells)}")
        elif name in rows:
            bad.append(f"{path}: line {line} lists {row['ID']} again")
        else:
            rows[name] = row
    return rows, bad


def _read_folds(path: Path, num_folds: int) -> tuple[dict[str, int], list[str]]:
    """Returns the fold, from 0 up, by normalised ID, and messages about unusable rows."""
    rows, bad = _read_table(path, ("kFold",))
    folds = {}
    for name, row in rows.items():
        fold = whole_number(row["kFold"])
        if fold is not None and 1 <= fold <= num_folds:
            folds[name] = fold - 1
        else:
            bad.append(f"{path}: the fold of {name} is {row['kFold']!r}; folds are 1 to {num_folds}")
    return folds, bad
