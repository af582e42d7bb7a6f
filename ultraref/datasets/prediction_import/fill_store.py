"""Checks predictions of another tool against a converted set and writes them into a prediction store."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ultraref.datasets.image_io import decode_image, read_bytes, read_mask, sha256_of_file
from ultraref.datasets.prediction_import.nnunet_splits import FOLDS_ADVICE
from ultraref.datasets.prediction_import.source import ImportedPrediction, ImportSource, listed
from ultraref.datasets.prediction_store import NetworkIdentity, PredictionManifest, PredictionStore
from ultraref.datasets.readers import read_coarse
from ultraref.datasets.splits import Splits
from ultraref.datasets.transforms.resize_to_models import resize
from ultraref.errors import MissingFileError, UserError


@dataclass
class ImportReport:
    """What an import wrote.

    Attributes:
        root: the store.
        network: what stands for the network.
        coarse_size: side of the stored predictions in pixels.
        dice: by (fold, split), the Dice of each prediction, at 0.5, with the image's mask, in the image's own frame.
        hard: how many predictions are masks, without probabilities.
    """

    root: Path
    network: NetworkIdentity
    coarse_size: int
    dice: dict[tuple[int, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    hard: int = 0

    def __str__(self) -> str:
        lines = [
            f"fold {fold} {split}: {len(values)} images, mean Dice with their masks {np.mean(values):.3f}"
            for (fold, split), values in sorted(self.dice.items(), key=lambda item: (item[0][1] == "test", item[0]))
        ]
        if self.hard:
            total = sum(map(len, self.dice.values()))
            lines.append(
                f"{self.hard} of {total} predictions are masks of 0 and 1. They can be refined, but a gate that reads uncertainty "
                "(UncertaintyGate, HybridGate) finds some at their outline alone: it needs probabilities (nnU-Net: --npz)"
            )
        return "\n".join([*lines, f"wrote {self.root}, {self.coarse_size} px ({self.network})"])


def import_predictions(
    source: ImportSource,
    data_root: str | Path,
    root: str | Path,
    size: int = 224,
    progress: Callable[[Iterable], Iterable] | None = None,
) -> ImportReport:
    """Fills ROOT/fold{k}/{val,test} with the predictions of another tool, all of them or none.

    Each is read in the image's own frame and squashed to size x size: area averages along a side that shrinks, linear interpolation
    along one that grows, as the data pipeline does with images.

    Args:
        source: the files. Every training image must have one prediction, by the model of the fold that holds it out in splits.json;
            each fold that has predictions of test images has those of all.
        data_root: the converted set.
        root: the store; what an earlier import wrote there is replaced.
        size: side of the stored predictions in pixels.
        progress: wraps the list of predictions as it is gone through, e.g. `rich.progress.track`.

    Raises:
        FileNotFoundError: there is no such set.
        UserError: predictions are missing, are there twice, or come from a fold that didn't hold the image out; an image has changed
            since it was converted; a file can't be read or has another size than its image; or the store holds predictions of
            another network. Each message lists all of its kind.
    """
    if not isinstance(size, int) or size < 1:
        raise UserError(f"--size is {size!r}; it is the side of the stored predictions in pixels, such as 224")
    splits, store = Splits.read(data_root), PredictionStore(root)
    check_source(source, splits)
    _check_store(store, source.tool)
    report = ImportReport(Path(root), _identify(source), size)
    folders = sorted({(prediction.fold, prediction.split) for prediction in source.predictions})
    problems = []
    with ExitStack() as stack:
        writers = {}
        for fold, split in folders:
            made_by = source.made_by[fold]
            manifest = PredictionManifest(
                fold,
                split,
                size,
                str(made_by),
                sha256_of_file(made_by),
                f"{source.tool} {source.location}",
                report.network,
            )
            writers[fold, split] = stack.enter_context(store.writer(manifest))
        for prediction in (progress or iter)(source.predictions):
            key = prediction.fold, prediction.split
            try:
                prob, dice = _read(prediction, source.kind, Path(data_root), splits)
            except UserError as error:
                problems.append(str(error))
                continue
            report.dice[key].append(dice)
            report.hard += bool(((prob == 0) | (prob == 1)).all())
            small = np.clip(resize(prob, size, size), 0, 1)
            writers[key].add(prediction.name, small, splits.images[prediction.name].sha256)
        if problems:
            raise UserError(f"{source.location} can't be imported:\n" + _lines(problems))
    return report


def check_source(source: ImportSource, splits: Splits) -> None:
    """Checks which predictions there are, by their names alone.

    Raises:
        UserError: one message with everything that is wrong.
    """
    problems = []
    counts = Counter((p.name, p.fold if p.split == "test" else None) for p in source.predictions)
    twice = sorted({name for (name, _), count in counts.items() if count > 1})
    if twice:
        files = sorted(str(prediction.path) for prediction in source.predictions if prediction.name == twice[0])
        problems.append(f"more than one prediction of {listed(twice)}; of {twice[0]}: {', '.join(files)}")
    wrong = defaultdict(list)
    for prediction in source.predictions:
        entry = splits.images[prediction.name]
        if (entry.split == "test") != (prediction.split == "test"):
            wrong[f"which are {'test' if entry.split == 'test' else 'training'} images of the set"].append(prediction)
        elif prediction.split == "val" and entry.fold != prediction.fold:
            wrong["which splits.json holds out in another fold, so that this model was trained on them"].append(
                prediction
            )
    for reason, predictions in wrong.items():
        names = listed(
            f"{p.name} (fold {p.fold}" + (f", not {splits.images[p.name].fold})" if p.split == "val" else ")")
            for p in predictions
        )
        problems.append(f"{len(predictions)} predictions are of images {reason}: {names}. {FOLDS_ADVICE}")
    named = {(p.name, p.fold, p.split) for p in source.predictions}
    predicted = {name for name, _, split in named if split == "val"}
    missing = [name for name in splits.select("train") if name not in predicted]
    if missing:
        problems.append(f"{len(missing)} training images have no prediction: {listed(missing)}")
    for fold in sorted({p.fold for p in source.predictions if p.split == "test"}):
        missing = [name for name in splits.select("test") if (name, fold, "test") not in named]
        if missing:
            problems.append(f"fold {fold} predicts test images, but not {len(missing)} of them: {listed(missing)}")
    absent = [str(p.path) for p in source.predictions if not p.path.is_file()]
    if absent:
        problems.append(f"{len(absent)} files are not there: {listed(absent)}")
    if problems:
        raise UserError(f"{source.location} can't be imported for {splits.dataset}:\n" + _lines(problems))


def _check_store(store: PredictionStore, tool: str) -> None:
    """Refuses to replace what another network or another tool predicted."""
    for path in sorted(store.root.glob("fold*/*/manifest.json")):
        fold, split = path.parts[-3].removeprefix("fold"), path.parts[-2]
        network = store.manifest(int(fold), split).network if fold.isdecimal() else None
        if network is None or network.types[:2] != (NetworkIdentity.IMPORTED, tool):
            raise UserError(
                f"{store.root}: holds predictions of {network or 'another network'}; give another folder (--out), or delete this one"
            )


def _identify(source: ImportSource) -> NetworkIdentity:
    """Identifies the network by all that it predicted out of fold: retrained for one fold alone, it is another one."""
    held_out = (prediction for prediction in source.predictions if prediction.split == "val")
    files = {f"fold{p.fold}/{p.name}": sha256_of_file(p.path) for p in held_out}
    return NetworkIdentity.of_files(source.tool, source.details, files)


def _read(prediction: ImportedPrediction, kind: str, data_root: Path, splits: Splits) -> tuple[np.ndarray, float]:
    """Returns the probability, (H, W) float32 in the image's frame, and its Dice with the image's mask."""
    entry = splits.images[prediction.name]
    image_path, mask_path = (data_root / entry.split / kind / f"{prediction.name}.png" for kind in ("images", "masks"))
    if not image_path.is_file():
        raise MissingFileError(f"{image_path}: no such file; run the converter again")
    data = read_bytes(image_path)
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise UserError(
            f"{image_path}: is not the file that splits.json records (its sha256 differs); run the converter again"
        )
    prob = read_coarse(prediction.path, decode_image(data, image_path).shape, kind)
    lesion, mask = prob > 0.5, read_mask(mask_path) > 0
    both = lesion.sum() + mask.sum()
    return prob, float(2 * (lesion & mask).sum() / both) if both else 1.0


def _lines(problems: list[str], limit: int = 20) -> str:
    more = [f"and {len(problems) - limit} more"] if len(problems) > limit else []
    return "\n".join(f"- {problem}" for problem in [*problems[:limit], *more])
