"""One image of a published set, as a converter finds it."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RawSample:
    """An image and its mask files.

    Attributes:
        name: sortable name without suffix, unique in the set, which the converted files get.
        image_path: the image.
        mask_paths: its masks, whose union is the lesion mask.
        category: the set's own class, e.g. "benign"; None where it has none.
        patient: whom the image is of; None where the set doesn't say.
    """

    name: str
    image_path: Path
    mask_paths: tuple[Path, ...]
    category: str | None = None
    patient: str | None = None


def normalise_name(stem: str) -> str:
    """Returns a name that sorts as a person would: "Benign (7)" becomes "benign_0007".

    Lower case; each number is filled up to four digits; what is neither letter, digit nor minus becomes one underscore.
    """
    padded = re.sub(r"\d+", lambda match: match.group().zfill(4), stem.lower())
    return re.sub(r"[^a-z0-9-]+", "_", padded).strip("_")
