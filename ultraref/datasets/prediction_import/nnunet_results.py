"""Finds what nnU-Net v2 predicted of the images that each fold's model held out, and of test images.

nnUNet_results/DatasetXXX/TRAINER__PLANS__CONFIG holds a folder fold_K for each fold, with checkpoint_final.pth and, once the training
has ended, validation/CASE.png (.nii.gz, ...) and, where it was asked for with --npz, the probabilities validation/CASE.npz.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ultraref.datasets.prediction_import.name_matching import RULE, NameMatcher
from ultraref.datasets.prediction_import.nnunet_splits import FOLDS_ADVICE, NnunetSplits
from ultraref.datasets.prediction_import.source import ImportedPrediction, ImportSource, listed
from ultraref.datasets.splits import Splits
from ultraref.errors import MissingFileError, UserError

TOOL = "nnunet"
# Probabilities before masks.
PREDICTION_SUFFIXES = (".npz", ".nii.gz", ".nii", ".png", ".tif", ".tiff", ".bmp")


def find_nnunet(
    results: str | Path,
    splits: NnunetSplits,
    data: Splits,
    matcher: NameMatcher,
    test: dict[int, Path] | None = None,
) -> ImportSource:
    """Finds the predictions of all folds, of the kind that comes first in PREDICTION_SUFFIXES and is there at all.

    Args:
        results: folder TRAINER__PLANS__CONFIG.
        splits: the splits that nnU-Net was trained with.
        data: those of the converted set.
        matcher: from cases to images of the set.
        test: for each fold whose model predicted the test images, the folder with the predictions.

    Raises:
        FileNotFoundError: a folder is not there.
        UserError: one message with everything that is wrong: cases that are no images of the set, two that are the same one, test
            images that nnU-Net was trained on, cases that the fold didn't hold out, and ones that it did hold out but that are not
            there.
    """
    results, test = Path(results), {fold: Path(folder) for fold, folder in (test or {}).items()}
    folders = _validation_folders(results, len(splits.val))
    lacking = [str(folder) for folder in test.values() if not folder.is_dir()]
    if lacking:
        raise MissingFileError(f"--test: no such folder: {', '.join(lacking)}")
    suffix = _common_suffix([*folders, *test.values()], results)
    problems = _name_problems(splits.cases, matcher, str(splits.path))
    seen = set(data.select("test")) & {matcher.image_of(case) for case in splits.cases}
    if seen:
        problems.append(
            f"{splits.path}: nnU-Net was trained on {len(seen)} test images of the set: {listed(seen)}. {FOLDS_ADVICE}"
        )
    predictions = []
    for fold, folder in enumerate(folders):
        found = _cases_in(folder, suffix)
        problems += _fold_problems(folder, fold, found, splits, suffix)
        predictions += _named(found, fold, "val", matcher)
    for fold, folder in test.items():
        found = _cases_in(folder, suffix)
        if not found:
            problems.append(
                f"{folder}: has no {suffix}, as is imported; nnUNetv2_predict --save_probabilities keeps .npz"
            )
        problems += _name_problems(found, matcher, str(folder))
        predictions += _named(found, fold, "test", matcher)
    if problems:
        raise UserError(f"{results} can't be imported:\n" + "\n".join(f"- {problem}" for problem in problems))
    made_by = {fold: _checkpoint(folder.parent, splits.path) for fold, folder in enumerate(folders)}
    kind = "probability" if suffix == PREDICTION_SUFFIXES[0] else "mask"
    return ImportSource(TOOL, (results.resolve().name,), str(results), made_by, predictions, kind)


def _validation_folders(results: Path, num_folds: int) -> list[Path]:
    """Returns fold_K/validation of each fold."""
    folders = [results / f"fold_{fold}" / "validation" for fold in range(num_folds)]
    if not any(folder.parent.is_dir() for folder in folders):
        inner = sorted(path.parent for path in results.glob("*/fold_*") if path.is_dir()) if results.is_dir() else []
        near = f"; did you mean {inner[0]}?" if inner else ""
        raise MissingFileError(
            f"{results}: has no fold_0, fold_1, ...; give nnU-Net's folder of one configuration, "
            f"nnUNet_results/DatasetXXX/TRAINER__PLANS__CONFIG{near}"
        )
    lacking = [folder for folder in folders if not folder.is_dir()]
    if lacking:
        raise MissingFileError(
            f"{', '.join(map(str, lacking))}: no such folder. Refinement learns from every fold of splits_final.json: train nnU-Net on "
            "each to the end (nnUNetv2_train DATASET CONFIG K --npz); nnUNetv2_train ... --val --npz predicts what a finished one held out"
        )
    return folders


def _common_suffix(folders: Iterable[Path], results: Path) -> str:
    """Returns the first kind of file that some folder has."""
    names = [path.name.lower() for folder in folders for path in folder.iterdir() if not path.name.startswith(".")]
    for suffix in PREDICTION_SUFFIXES:
        if any(name.endswith(suffix) for name in names):
            return suffix
    raise MissingFileError(f"{results}: the validation folders hold none of {', '.join(PREDICTION_SUFFIXES)}")


def _cases_in(folder: Path, suffix: str) -> dict[str, Path]:
    return {
        path.name[: -len(suffix)]: path
        for path in sorted(folder.iterdir())
        if path.name.lower().endswith(suffix) and not path.name.startswith(".")
    }


def _named(found: dict[str, Path], fold: int, split: str, matcher: NameMatcher) -> list[ImportedPrediction]:
    names = {case: matcher.image_of(case) for case in found}
    return [ImportedPrediction(name, fold, split, found[case]) for case, name in names.items() if name]


def _name_problems(cases: Iterable[str], matcher: NameMatcher, where: str) -> list[str]:
    names = {case: matcher.image_of(case) for case in cases}
    problems = []
    strange = [case for case, name in names.items() if name is None]
    if strange:
        problems.append(
            f"{where}: {len(strange)} of {len(names)} cases are no images of the set, or have another name there: "
            f"{listed(strange)}. {RULE}"
        )
    counts = Counter(name for name in names.values() if name)
    for name in sorted(name for name, count in counts.items() if count > 1):
        problems.append(
            f"{where}: cases {listed(c for c, n in names.items() if n == name)} are all image {name!r}. {RULE}"
        )
    return problems


def _fold_problems(folder: Path, fold: int, found: dict[str, Path], splits: NnunetSplits, suffix: str) -> list[str]:
    """What is wrong with the predictions of a fold by nnU-Net's own splits."""
    problems = []
    trained = found.keys() & splits.train[fold]
    if trained:
        problems.append(
            f"{folder}: by {splits.path} the model of fold {fold} was trained on {listed(trained)}, so that these predictions are not "
            "out of fold; give the splits_final.json that nnU-Net was trained with"
        )
    strange = found.keys() - splits.train[fold] - splits.val[fold]
    if strange:
        problems.append(f"{folder}: cases that {splits.path} doesn't have in fold {fold}: {listed(strange)}")
    missing = splits.val[fold] - found.keys()
    if missing:
        problems.append(
            f"{folder}: no {suffix} of {len(missing)} cases that fold {fold} holds out: {listed(missing)}; "
            "nnUNetv2_train ... --val --npz makes those of a finished training"
        )
    return problems


def _checkpoint(folder: Path, otherwise: Path) -> Path:
    """The checkpoint that predicted a fold; where it was deleted, the splits."""
    path = folder / "checkpoint_final.pth"
    return path if path.is_file() else otherwise
