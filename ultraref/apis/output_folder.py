"""Where results may be written: not over what they are judged by."""

import os
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config

from ultraref.atomic import atomic_file
from ultraref.datasets.splits import SPLITS_NAME
from ultraref.engine.run_lock import LOCK_NAME
from ultraref.engine.work_dir import BEST_CHECKPOINT, LAST_CHECKPOINT, PREVIOUS_CHECKPOINT
from ultraref.errors import UserError

_TRAINED = (BEST_CHECKPOINT, LAST_CHECKPOINT, PREVIOUS_CHECKPOINT, LOCK_NAME)
_STORE = "a store of coarse predictions"
# Arguments of data sets that name the folders that they read.
_FOLDER_KEYS = ("data_root", "image_dir", "predictions")


def check_output_folder(folder: str | Path, option: str, cfg: Config | None = None, is_store: bool = False) -> None:
    """Refuses a folder for results that lies in what a run reads or is resumed from.

    Args:
        folder: need not exist.
        option: its name, for the message: "--out".
        cfg: what its data sets read is refused as well, whatever it looks like.
        is_store: whether the results are a prediction store themselves.

    Raises:
        UserError: it is in a data root, a prediction store or the work dir of a training, or it is a file or can't be
            written.
    """
    resolved = Path(folder).expanduser().resolve()
    for place in (resolved, *resolved.parents):
        kind = _kind(place)
        if kind is not None and not (is_store and kind == _STORE):
            raise UserError(
                f"{option} {folder} is in {place}, {kind}: results could write over it. Take a folder outside of it"
            )
    for path in _read_by(cfg):
        if resolved == path or path in resolved.parents:
            raise UserError(f"{option} {folder} is in {path}, which this config reads. Take a folder outside of it")
    check_writable(folder, option)


def check_writable(folder: str | Path, option: str) -> None:
    """Makes a folder for results, before any work is done for them.

    Raises:
        UserError: it is a file, or can't be made or written.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{option} {folder} is a file; it takes a folder")
    try:
        with atomic_file(folder / f".writable.{os.getpid()}", durable=False):
            pass
        (folder / f".writable.{os.getpid()}").unlink()
    except (OSError, UserError) as error:
        raise UserError(f"{option} {folder} can't be written: {error}") from error


def check_writable_file(path: str | Path, option: str) -> None:
    """Makes the folder of a file for results, before any work is done for it; what is at the path already stays.

    Raises:
        UserError: the path is a folder, or its folder can't be made or written.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{option} {path} is a folder; it takes a file")
    check_writable(path.parent, f"{option} {path}: the folder")


def _kind(place: Path) -> str | None:
    """What a folder is, in words, where results must not go there."""
    if (place / SPLITS_NAME).is_file():
        return "a converted data set"
    if any(place.glob("fold*/*/manifest.json")):
        return _STORE
    if any(os.path.lexists(place / name) for name in _TRAINED):
        return "the work dir of a training"
    return None


def _read_by(cfg: Config | None) -> Iterator[Path]:
    """Yields the folders that the data sets of a config read."""

    def folders(dataset: dict) -> Iterator[str | Path]:
        yield from (dataset[key] for key in _FOLDER_KEYS if dataset.get(key))
        if dataset.get("ann_file") and not dataset.get("image_dir"):
            yield Path(dataset["ann_file"]).parent
        for part in dataset.get("datasets", ()):
            yield from folders(part)

    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        loader = (cfg or {}).get(name)
        yield from (Path(folder).expanduser().resolve() for folder in folders(loader.dataset if loader else {}))
