"""Perceptual hashes of the images of a data set: what a checkpoint carries to recognise copies of what it was trained on.

`meta["seen_images"]` of a checkpoint is {"version": 1, "sets": [...]}, a list with one entry for each set (and each part of it):

    set      name of the set
    splits   hash of its splits.json; None where there is none
    files    [what stands before, what stands behind the name in an image's path] as the training saw it; None where that differs
    names    of the images, sorted
    hashes   base64 of 32 bytes for each name: the 256 bits of the pHash, the first in the highest bit of the first byte

All are plain types, so that weights-only loading and JSON take them: about 60 bytes an image.
"""

import base64
import binascii
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ultraref.datasets.image_io import read_image
from ultraref.datasets.likeness.furniture import find_furniture
from ultraref.datasets.likeness.view import View
from ultraref.defaults import HASH_BITS

VERSION = 1
_BYTES = HASH_BITS // 8
# Path -> size and time of change of a file, size in pixels, view. A run asks for the images that it validates on more than once.
_known: dict[str, tuple[tuple[int, int], tuple[int, int], View]] = {}


@dataclass(frozen=True)
class Fingerprints:
    """Perceptual hashes of images of one set.

    Attributes:
        dataset: name of the set.
        splits: hash of its splits.json, or None.
        files: what stands before and behind the name in an image's path, or None.
        names: of the images.
        hashes: (N, 256) bool.
        views: what of each image is compared; empty for those of a checkpoint.
    """

    dataset: str
    splits: str | None
    files: tuple[str, str] | None
    names: Sequence[str]
    hashes: np.ndarray
    views: Sequence[View] = ()

    def path(self, name: str) -> Path | None:
        """Returns where the image lay, None where that isn't known or there is none any more."""
        path = None if self.files is None else Path(f"{self.files[0]}{name}{self.files[1]}")
        return path if path is not None and path.is_file() else None

    def to_plain(self) -> dict:
        """Returns an entry of `meta["seen_images"]["sets"]`."""
        return {
            "set": self.dataset,
            "splits": self.splits,
            "files": None if self.files is None else list(self.files),
            "names": list(self.names),
            "hashes": base64.b64encode(np.packbits(self.hashes, axis=1).tobytes()).decode("ascii"),
        }

    @classmethod
    def from_plain(cls, entry: Mapping) -> "Fingerprints":
        """Reads such an entry.

        Raises:
            ValueError: it is damaged.
        """
        try:
            names = [str(name) for name in entry["names"]]
            data = base64.b64decode(entry["hashes"], validate=True)
            if len(data) != _BYTES * len(names):
                raise ValueError(f"{len(data)} bytes of hashes for {len(names)} images")
            hashes = np.unpackbits(np.frombuffer(data, np.uint8).reshape(len(names), _BYTES), axis=1).astype(bool)
            files = None if entry["files"] is None else (str(entry["files"][0]), str(entry["files"][1]))
            return cls(str(entry["set"]), entry["splits"], files, names, hashes)
        except (KeyError, TypeError, IndexError, binascii.Error) as error:
            raise ValueError(f"an entry of seen_images can't be read: {error!r}") from error


def seen_images(sets: Iterable[Fingerprints]) -> dict:
    """Returns `meta["seen_images"]`: the sets, those that are the same but for their images united."""
    united: dict[tuple, dict[str, np.ndarray]] = {}
    for each in sets:
        own = united.setdefault((each.dataset, each.splits, each.files), {})
        own.update(zip(each.names, each.hashes))
    entries = []
    # None doesn't sort beside text.
    for key in sorted(united, key=repr):
        names = sorted(united[key])
        if names:
            entries.append(Fingerprints(*key, names, np.stack([united[key][name] for name in names])).to_plain())
    return {"version": VERSION, "sets": entries}


def read_seen_images(content: Mapping) -> list[Fingerprints]:
    """Reads `meta["seen_images"]`.

    Raises:
        ValueError: it is damaged, or of a newer version.
    """
    if (
        not isinstance(content, Mapping)
        or content.get("version") != VERSION
        or not isinstance(content.get("sets"), list)
    ):
        raise ValueError(f"seen_images is not of version {VERSION}, or damaged")
    return [Fingerprints.from_plain(entry) for entry in content["sets"]]


def fingerprints_of(dataset) -> list[Fingerprints]:
    """Computes the fingerprints of a data set, or of the parts of a concatenated one.

    A data set that doesn't say where its images lie (`BaseLesionDataset.image_paths`) gives none.
    """
    return list(_fingerprints(dataset))


def _fingerprints(dataset) -> Iterator[Fingerprints]:
    if hasattr(dataset, "datasets"):
        for part in dataset.datasets:
            yield from _fingerprints(part)
        return
    paths = dict(sorted(getattr(dataset, "image_paths", {}).items()))
    if not paths:
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sizes, views = zip(*pool.map(_view, paths.values()))
    furniture = find_furniture([view.picture for view in views], sizes)
    views = [furniture.view(view.picture, view.hashes, size) for view, size in zip(views, sizes)]
    splits = getattr(dataset, "splits", None)
    yield Fingerprints(
        dataset.dataset_name,
        None if splits is None else splits.hash,
        _around_names(paths),
        list(paths),
        np.stack([view.hashes[0] for view in views]),
        views,
    )


def view_of_file(path: Path) -> View:
    """Returns the whole image of a file as it is compared."""
    return _view(path)[1]


def _view(path: Path) -> tuple[tuple[int, int], View]:
    status = os.stat(path)
    stamp = status.st_size, status.st_mtime_ns
    known = _known.get(str(path))
    if known is None or known[0] != stamp:
        image = read_image(path)
        known = _known[str(path)] = (stamp, image.shape, View.of(image))
    return known[1:]


def _around_names(paths: Mapping[str, Path]) -> tuple[str, str] | None:
    around = set()
    for name, path in paths.items():
        text = str(path)
        start = text.rfind(name)
        around.add((text[:start], text[start + len(name) :]) if start >= 0 else None)
    return around.pop() if len(around) == 1 else None
