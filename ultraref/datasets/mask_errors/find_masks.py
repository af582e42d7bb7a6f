"""Lesion masks of a file, a folder or a dataset, for the tools that show and time simulated errors."""

import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from ultraref.datasets.image_io import read_mask
from ultraref.errors import MissingFileError

# "x_mask.png" and, for further lesions of the same image, "x_mask_1.png": the layout in which BUSI is published.
_NAMED_MASK = re.compile(r"(?P<stem>.+)_mask(?:_\d+)?", re.IGNORECASE)


def find_masks(path: str | Path) -> dict[str, np.ndarray]:
    """Read the lesion masks that lie at ``path``.

    Args:
        path: A mask file; or a folder of PNG files, searched with its subfolders. In a folder, files called
            ``*_mask.png`` and ``*_mask_N.png`` are the masks if there are any, and those of one image are merged;
            else the files in folders called ``masks`` if there are any (a converted dataset); else all.

    Returns:
        Name -> (H, W) uint8 in {0, 1}, sorted by name. Masks without lesion or without background are left out, as no
        error can be simulated on them.

    Raises:
        FileNotFoundError: There is nothing at ``path``, or no usable mask in it.
        ValueError: A file can't be read as a mask.
    """
    path = Path(path)
    if path.is_file():
        groups = {path.stem: [path]}
    else:
        groups = _group(sorted(path.rglob("*.png")), path)
    masks = {name: np.maximum.reduce([read_mask(file) for file in files]) for name, files in sorted(groups.items())}
    usable = {name: mask for name, mask in masks.items() if mask.any() and not mask.all()}
    if not usable:
        raise MissingFileError(
            f"{path}: found {len(masks)} masks, none with a lesion and background; give a mask file, "
            "a folder of masks, a folder in BUSI's layout or a converted dataset"
        )
    return usable


def _group(files: list[Path], root: Path) -> dict[str, list[Path]]:
    """The mask files of each image, by the image's path relative to ``root`` without suffix."""
    groups = defaultdict(list)
    for file in files:
        if match := _NAMED_MASK.fullmatch(file.stem):
            groups[str(file.parent.relative_to(root) / match["stem"])].append(file)
    if groups:
        return groups
    in_masks = [file for file in files if file.parent.name == "masks"]
    return {str(file.relative_to(root).with_suffix("")): [file] for file in in_masks or files}
