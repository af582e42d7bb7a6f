"""Predictions of any tool, listed in a CSV file."""

from pathlib import Path

from ultraref.csv_table import read_table, whole_number
from ultraref.datasets.prediction_import.name_matching import NameMatcher
from ultraref.datasets.prediction_import.source import ImportedPrediction, ImportSource, listed
from ultraref.datasets.splits import Splits
from ultraref.errors import UserError

TOOL = "csv"
COLUMNS = ("name", "fold", "file")
# Optional; the set's splits.json says it as well.
SPLIT_COLUMN = "split"


def find_listed(table: str | Path, splits: Splits, matcher: NameMatcher, kind: str = "auto") -> ImportSource:
    """Reads a table with the columns name, fold, file and, if wanted, split.

    `fold` is the fold of the model that made the prediction: for a training image the one that held it out. `file` is relative to the
    table's folder. `split` is "val" for a training image and "test" for a test image, as splits.json has it; the column may be left
    out or empty.

    Args:
        table: the file.
        splits: of the converted set.
        matcher: from the table's names to images of the set.
        kind: what the files' values mean, see `readers.read_coarse`.

    Raises:
        FileNotFoundError: there is no such table.
        UserError: it has other columns, a value that doesn't fit, or names that are no images of the set; all are listed.
    """
    table = Path(table)
    problems, strange, predictions = [], [], []
    for line, row in read_table(table, COLUMNS):
        fold = whole_number(row["fold"])
        if fold is None or fold >= splits.num_folds:
            problems.append(f"line {line}: fold is {row['fold']!r}; the set has the folds 0 to {splits.num_folds - 1}")
            continue
        name = matcher.image_of(row["name"])
        if not name:
            strange.append(row["name"])
            continue
        own = "test" if splits.images[name].split == "test" else "val"
        split = row.get(SPLIT_COLUMN) or own
        if split != own:
            problems.append(f"line {line}: split of {name} is {split!r}, but by the set's splits.json it is {own!r}")
            continue
        predictions.append(ImportedPrediction(name, fold, own, table.parent / row["file"]))
    if strange:
        problems.append(f"{len(strange)} names are no images of the set: {listed(strange)}; its splits.json lists all")
    if not predictions and not problems:
        problems.append("there are no rows")
    if problems:
        raise UserError(f"{table} can't be imported:\n" + "\n".join(f"- {problem}" for problem in problems))
    made_by = {prediction.fold: table for prediction in predictions}
    return ImportSource(TOOL, (table.name,), str(table), made_by, predictions, kind)
