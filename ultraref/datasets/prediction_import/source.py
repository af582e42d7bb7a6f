"""What another tool predicted: one entry a file, and where they come from."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ImportedPrediction:
    """A prediction of one image in a file of another tool.

    Attributes:
        name: the image's name in the converted set.
        fold: the fold of the model that predicted it.
        split: "val": the model held the image out; "test": it is a test image.
        path: the file: a probability or a mask in the image's own frame.
    """

    name: str
    fold: int
    split: str
    path: Path


@dataclass(frozen=True)
class ImportSource:
    """All predictions that are imported together.

    Attributes:
        tool: what made them, in a word: "nnunet", "csv".
        details: what else tells this network from others of the tool, for messages.
        location: the folder or table that the user named.
        made_by: for each fold, the file whose change makes the predictions stale: the checkpoint, or the table that lists them.
        predictions: the files.
        kind: what their values mean, see `readers.read_coarse`.
    """

    tool: str
    details: tuple[str, ...]
    location: str
    made_by: dict[int, Path]
    predictions: list[ImportedPrediction]
    kind: str = "auto"


def listed(items, limit: int = 10) -> str:
    """Returns sorted items in a line, the first `limit` of them."""
    items = sorted(map(str, items))
    shown = ", ".join(items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"
