"""Coarse probabilities on disk, out of fold: ROOT/fold{k}/{val,test}/NAME.npy, each folder with a manifest.json."""

import hashlib
import io
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from ultraref.atomic import atomic_folder, write_json
from ultraref.datasets.readers.npy import read_header
from ultraref.datasets.recorded_files import read_recorded, sha256_once
from ultraref.errors import MissingFileError, UserError
from ultraref.json_file import read_json
from ultraref.names import file_of

MANIFEST_VERSION = 3
# Version 1 doesn't say which network made the predictions, version 2 not what is in their files.
READABLE_VERSIONS = (1, 2, 3)


@dataclass(frozen=True)
class NetworkIdentity:
    """Which coarse network made predictions, whatever weights it started from.

    Attributes:
        sha256: of the canonical JSON (sorted keys, no spaces) of the network's config; of another tool's network, which has no config
            here, of the files that it predicted.
        types: every `type` of that config, outermost first, for messages; of another tool's network IMPORTED, the tool, and what else
            tells its networks apart.
    """

    IMPORTED: ClassVar[str] = "imported"
    sha256: str
    types: tuple[str, ...]

    @classmethod
    def of(cls, network: dict) -> "NetworkIdentity":
        """Identifies a network by its config.

        Args:
            network: `model.network` of a phase-1 config, without the files that its parts start from
                (`without_initial_weights`): where those lie says nothing about the network.
        """
        canonical = json.dumps(network, sort_keys=True, separators=(",", ":"), default=_name_of)
        return cls(hashlib.sha256(canonical.encode()).hexdigest(), tuple(_types(network)))

    @classmethod
    def of_files(cls, tool: str, details: tuple[str, ...], files: dict[str, str]) -> "NetworkIdentity":
        """Identifies a network of another tool by what it predicted.

        Args:
            tool: the tool, in a word.
            details: what else tells its networks apart, for messages.
            files: sha256 of each held-out prediction's file, of all folds, by fold and image.
        """
        content = {"tool": tool, "details": list(details), "files": files}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return cls(hashlib.sha256(canonical.encode()).hexdigest(), (cls.IMPORTED, tool, *details))

    def __str__(self) -> str:
        kind = "files" if self.types[:1] == (self.IMPORTED,) else "config"
        return f"{' > '.join(self.types) or 'a network without types'}, {kind} {self.sha256[:12]}"


@dataclass
class PredictionManifest:
    """Where the predictions of one folder come from.

    Attributes:
        fold: the fold that the coarse model held out.
        split: "val" (the images of that fold) or "test".
        coarse_size: height and width of every prediction in pixels.
        checkpoint: path of the coarse model's checkpoint, as it was given; for a table of predictions of another tool, the table.
        checkpoint_sha256: of that file.
        config: path of the config that it was predicted with; for predictions of another tool, the tool and what was imported.
        network: the coarse network; None where it isn't known.
        images: sha256 of the image's PNG file, by name.
        files: sha256 of the prediction's .npy file, by name; empty where it wasn't recorded.
    """

    fold: int
    split: str
    coarse_size: int
    checkpoint: str
    checkpoint_sha256: str
    config: str
    network: NetworkIdentity | None = None
    images: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PredictionRequest:
    """A prediction that somebody will want: of image `name`, whose file has `image_sha256`, by the model of `fold`."""

    name: str
    fold: int
    split: str
    image_sha256: str


class PredictionStore:
    """Writes, checks and reads the predictions under one root.

    Args:
        root: folder of the store; need not exist before the first write.
    """

    def __init__(self, root: str | Path):
        self.root = Path(root).expanduser()
        self._manifests: dict[tuple[int, str], PredictionManifest] = {}

    def folder(self, fold: int, split: str) -> Path:
        """Returns ROOT/fold{fold}/{split}."""
        if split not in ("val", "test"):
            raise UserError(f"predictions are stored for 'val' and 'test', not for {split!r}")
        return self.root / f"fold{fold}" / split

    @contextmanager
    def writer(self, manifest: PredictionManifest) -> Iterator["PredictionWriter"]:
        """Context manager that writes one folder, all or nothing.

        The files go to a folder beside it, which takes its place at the end. After an exception what was there before
        is unchanged.
        """
        with atomic_folder(self.folder(manifest.fold, manifest.split)) as staging:
            yield PredictionWriter(staging, manifest)
            content = {"version": MANIFEST_VERSION, **asdict(manifest)}
            for kind in ("images", "files"):
                content[kind] = dict(sorted(content[kind].items()))
            write_json(staging / "manifest.json", content, indent=1)
        self._manifests.pop((manifest.fold, manifest.split), None)

    def manifest(self, fold: int, split: str) -> PredictionManifest:
        """Reads a manifest, once.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it is damaged, of another version, or of another fold or split than the folder.
        """
        key = (fold, split)
        if key not in self._manifests:
            path = self.folder(fold, split) / "manifest.json"
            content = read_json(path, "manifest of stored predictions")
            try:
                version = content.pop("version")
                if version not in READABLE_VERSIONS:
                    known = ", ".join(map(str, READABLE_VERSIONS))
                    raise UserError(f"{path}: version {version!r}, but this program reads {known}")
                network = content.pop("network") if version > 1 else None
                if network is not None:
                    network = NetworkIdentity(network["sha256"], tuple(network["types"]))
                manifest = PredictionManifest(**content, network=network)
                _check_kinds(manifest)
                if version > 2 and manifest.files.keys() != manifest.images.keys():
                    raise UserError(f"{path}: not a whole manifest (its images and files differ)")
            except (KeyError, TypeError, AttributeError) as error:
                raise UserError(f"{path}: not a whole manifest ({error!r})") from error
            if (manifest.fold, manifest.split) != key:
                raise UserError(
                    f"{path}: was made for fold {manifest.fold} and split {manifest.split!r}, not for this folder"
                )
            self._manifests[key] = manifest
        return self._manifests[key]

    def read(self, name: str, fold: int, split: str, image_sha256: str | None = None) -> np.ndarray:
        """Returns the probability of one image, (coarse_size, coarse_size) float32 in [0, 1].

        Raises:
            FileNotFoundError: it is not there.
            ValueError: it was made from another image file than `image_sha256`, is another file than was written, or isn't a
                probability of the stated size.
        """
        manifest = self.manifest(fold, split)
        path = file_of(self.folder(fold, split), name, ".npy")
        recorded = manifest.images.get(name)
        if recorded is None or not path.is_file():
            raise MissingFileError(f"{path}: there is no prediction of {name!r}; {_AGAIN}")
        if image_sha256 is not None and recorded != image_sha256:
            raise UserError(f"{path}: was made from another file of image {name!r} than the present one; {_AGAIN}")
        data = read_recorded(path, manifest.files.get(name), f"was predicted (its sha256 differs); {_AGAIN}")
        try:
            # The header's sizes are looked at before memory is taken.
            if math.prod(read_header(io.BytesIO(data), path)[0]) > len(data):
                raise EOFError
            prob = np.load(io.BytesIO(data), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            # Not NumPy's words, which advise to unpickle what it can't read.
            raise UserError(f"{path}: is damaged, and can't be read as an array of NumPy; {_AGAIN}") from error
        _check_prob(prob, manifest.coarse_size, path)
        return prob

    def recorded_hash(self, name: str, fold: int, split: str) -> str:
        """Returns the sha256 of a stored prediction; of one that was stored without, that of the checkpoint that made it."""
        manifest = self.manifest(fold, split)
        return manifest.files.get(name, manifest.checkpoint_sha256)

    def validate(self, requests: list[PredictionRequest]) -> int:
        """Checks from the manifests that every requested prediction is there and fits its image.

        All folds must come from one network, as a refiner that learned from the errors of one is no use on those of another.
        This is asked of the held-out predictions of every fold, requested or not: training reads other folds than validation.

        Returns:
            The coarse size, which all of them share.

        Raises:
            ValueError: one message with everything that is wrong: missing manifests and predictions, predictions of
                other image files, folders made for another fold, different coarse sizes, folds of different networks.
        """
        problems, sizes, missing, stale = [], {}, {}, {}
        wanted = sorted({(request.fold, request.split) for request in requests})
        for fold, split in wanted:
            folder = self.folder(fold, split)
            try:
                manifest = self.manifest(fold, split)
            except (FileNotFoundError, ValueError) as error:
                problems.append(str(error))
                continue
            sizes.setdefault(manifest.coarse_size, []).append(folder)
            checkpoint = Path(manifest.checkpoint)
            if checkpoint.is_file() and sha256_once(checkpoint) != manifest.checkpoint_sha256:
                problems.append(
                    f"{folder}: {checkpoint} was trained anew, or has changed, since these predictions were made"
                )
            stored = {path.stem for path in folder.glob("*.npy")} & manifest.images.keys()
            for request in requests:
                if (request.fold, request.split) != (fold, split):
                    continue
                if request.name not in stored:
                    missing.setdefault(folder, []).append(request.name)
                elif manifest.images[request.name] != request.image_sha256:
                    stale.setdefault(folder, []).append(request.name)
        problems += [f"{folder}: no prediction of {_list(names)}" for folder, names in missing.items()]
        problems += [
            f"{folder}: made from other image files than the present ones: {_list(names)}"
            for folder, names in stale.items()
        ]
        if len(sizes) > 1:
            listed = "; ".join(f"{size}: {', '.join(map(str, folders))}" for size, folders in sorted(sizes.items()))
            problems.append(f"coarse sizes differ ({listed})")
        networks = self._networks(wanted)
        if len(networks) > 1:
            listed = "; ".join(f"{network}: {', '.join(map(str, folders))}" for network, folders in networks.items())
            problems.append(f"the folds come from different networks ({listed}); predict all with one")
        if problems:
            lines = "\n".join(f"- {problem}" for problem in problems)
            raise UserError(f"stored coarse predictions under {self.root} can't be used:\n{lines}\n{_AGAIN}")
        return next(iter(sizes), 0)

    def _networks(self, wanted: list[tuple[int, str]]) -> dict[NetworkIdentity, list[Path]]:
        """Returns the folders by the network that made them: those of `wanted`, and the held-out ones of every fold.

        Folders whose manifest can't be read, or doesn't say, are left out.
        """
        present = {
            int(path.parts[-3][4:]) for path in self.root.glob("fold*/val/manifest.json") if _is_fold(path.parts[-3])
        }
        networks: dict[NetworkIdentity, list[Path]] = {}
        for fold, split in sorted({*wanted, *((fold, "val") for fold in present)}):
            try:
                network = self.manifest(fold, split).network
            except (OSError, ValueError):
                continue
            if network is not None:
                networks.setdefault(network, []).append(self.folder(fold, split))
        return networks


class PredictionWriter:
    """Adds predictions to a folder that `PredictionStore.writer` opened."""

    def __init__(self, folder: Path, manifest: PredictionManifest):
        self._folder = folder
        self._manifest = manifest

    def add(self, name: str, prob: np.ndarray, image_sha256: str) -> None:
        """Writes the probability of one image, (coarse_size, coarse_size) float32 in [0, 1].

        Raises:
            ValueError: it is of another size or type or out of range, or the name was added before.
        """
        if name in self._manifest.images:
            raise UserError(f"a prediction of {name!r} was added before")
        _check_prob(prob, self._manifest.coarse_size, name)
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(prob), allow_pickle=False)
        file_of(self._folder, name, ".npy").write_bytes(buffer.getvalue())
        self._manifest.images[name] = image_sha256
        self._manifest.files[name] = hashlib.sha256(buffer.getvalue()).hexdigest()


_AGAIN = (
    "make them again: python tools/predict_coarse.py CONFIG CHECKPOINT --split val (or test); those of another tool: python "
    "tools/import_predictions.py"
)


def _check_prob(prob: np.ndarray, size: int, where) -> None:
    if prob.shape != (size, size) or prob.dtype != np.float32:
        raise UserError(f"{where}: a prediction is float32 ({size}, {size}), but this is {prob.dtype} {prob.shape}")
    if not (prob.min() >= 0 and prob.max() <= 1):  # also false for NaN
        raise UserError(f"{where}: a probability lies in [0, 1], but this has {prob.min():g} to {prob.max():g}")


def _check_kinds(manifest: PredictionManifest) -> None:
    """Refuses other kinds of values than are written.

    Raises:
        TypeError: there is one.
    """
    network = manifest.network or NetworkIdentity("", ())
    words = (
        manifest.split,
        manifest.checkpoint,
        manifest.checkpoint_sha256,
        manifest.config,
        network.sha256,
        *network.types,
    )
    hashes = (*manifest.images.values(), *manifest.files.values())
    if not all(isinstance(word, str) for word in (*words, *hashes)):
        raise TypeError("a name or a hash isn't text")
    if not all(type(number) is int for number in (manifest.fold, manifest.coarse_size)):
        raise TypeError("fold or coarse_size isn't a whole number")


def _is_fold(name: str) -> bool:
    return name.startswith("fold") and name[4:].isdecimal()


def _types(config) -> Iterator[str]:
    """Every `type` within a config, in its order."""
    if isinstance(config, dict):
        if "type" in config:
            yield _name_of(config["type"])
        for value in config.values():
            yield from _types(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _types(value)


def _name_of(value) -> str:
    """The name of a class or function, whose text would hold an address; the text of anything else."""
    return getattr(value, "__qualname__", None) or str(value)


def _list(names: list[str], limit: int = 10) -> str:
    shown = ", ".join(sorted(names)[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
