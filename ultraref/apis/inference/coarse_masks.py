"""Which coarse mask belongs to which image."""

import contextlib
import os
import re
from collections import defaultdict
from pathlib import Path

from ultraref.apis.inference.files import stem
from ultraref.datasets.prediction_import.name_matching import CHANNEL
from ultraref.errors import MissingFileError, UserError
from ultraref.names import plain_name

# What published sets and other tools add to the name of an image's mask.
_MASK_ENDINGS = ("_mask", "_seg", "_pred")
# What the name of a frame adds to its file's.
_FRAME = re.compile(r"_f\d{4,}$")
MASK_SUFFIXES = (".png", ".npy", ".npz", ".nii", ".nii.gz", ".tif", ".tiff", ".bmp")


class CoarseMasks:
    """The coarse masks in a folder, folders in it included, by the names of images.

    An image finds the mask with, in this order: its own name and folder; its own name, where one mask alone has it; its name without
    "_0000", which nnU-Net adds to images. An ending "_mask", "_seg" or "_pred" of a mask's name doesn't count. Suffixes never do.

    Args:
        folder: searched for names that end as MASK_SUFFIXES.

    Attributes:
        used: masks that belong to an image: one that has asked for its mask, or one that couldn't be read.

    Raises:
        MissingFileError: there is no such folder.
        UserError: it holds no mask, or two that would belong to one image.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder).expanduser()
        if not self.folder.is_dir():
            raise MissingFileError(f"{folder}: no such folder of coarse masks")
        self.used: set[Path] = set()
        self._by_path: dict[str, Path] = {}
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        # Names of the masks of frames by the name of the file that they would be of, both without folders.
        self._of_frames: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self.folder.rglob("*")):
            if path.name.startswith(".") or not path.name.lower().endswith(MASK_SUFFIXES) or not path.is_file():
                continue
            key = _without_ending(plain_name(stem(path.relative_to(self.folder).as_posix(), MASK_SUFFIXES)))
            if key in self._by_path:
                raise UserError(
                    f"{self._by_path[key]} and {path} both are the coarse mask of an image {key}; leave one in the folder"
                )
            self._by_path[key] = path
            name = key.rpartition("/")[2]
            self._by_name[name].append(path)
            if _FRAME.search(name):
                self._of_frames[_FRAME.sub("", name)].append(name)
        if not self._by_path:
            raise UserError(f"{folder} holds no coarse mask; looked for {', '.join(MASK_SUFFIXES)}, folders included")

    def find(self, name: str) -> Path:
        """Returns the mask of the image `name`, its path below the input folder without suffix.

        Raises:
            UserError: there is none, or there are several.
        """
        for wanted in (name, name.removesuffix(CHANNEL)):
            if wanted in self._by_path:
                return self._use(self._by_path[wanted])
            same = self._by_name.get(wanted.rpartition("/")[2], [])
            if len(same) == 1:
                return self._use(same[0])
            if same:
                raise UserError(
                    f"{name}: {same[0]} and {same[1]} could both be its coarse mask; sort them into its folder"
                )
        raise UserError(
            f"{name}: no coarse mask in {self.folder}; looked for {name} and {name.rpartition('/')[2]} with "
            f"{', '.join(MASK_SUFFIXES)}, also after _mask, _seg or _pred"
        )

    def claim(self, name: str) -> None:
        """Counts as used what belongs to an image that can't be read: its mask, or those of its frames, whose number isn't known then."""
        folder, _, own = name.rpartition("/")
        for each in (own, *self._of_frames.get(own, ())):
            with contextlib.suppress(UserError):
                self.find(f"{folder}/{each}" if folder else each)

    def unused(self) -> list[Path]:
        """Returns the masks that belong to no image, sorted."""
        return sorted(path for path in self._by_path.values() if path not in self.used)

    def _use(self, path: Path) -> Path:
        self.used.add(path)
        return path


def _without_ending(name: str) -> str:
    ending = next((ending for ending in _MASK_ENDINGS if name.lower().endswith(ending)), "")
    return name[: len(name) - len(ending)]
