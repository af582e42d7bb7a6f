"""nnU-Net's splits_final.json: which cases each fold's model trains on, and which it holds out.

The file is a list with a dict a fold, {"train": [cases], "val": [cases]} (nnU-Net v2, documentation/manual_data_splits.md). nnU-Net
takes one that lies in nnUNet_preprocessed/DatasetXXX before training starts, and makes one by chance where there is none.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ultraref.atomic import write_json
from ultraref.datasets.prediction_import.name_matching import CHANNEL, RULE, NameMatcher
from ultraref.datasets.prediction_import.source import listed
from ultraref.datasets.splits import Splits
from ultraref.errors import MissingFileError, UserError
from ultraref.json_file import read_json

FOLDS_ADVICE = (
    "Train the other tool on the set's own folds (python tools/import_predictions.py write-splits DATA splits_final.json writes them for "
    "nnU-Net), or convert the images with those of an nnU-Net that is trained already (python tools/dataset_converters/folder.py SRC DST "
    "--folds splits_final.json)"
)
# Longer ends first.
_LABEL_SUFFIXES = (".nii.gz", ".nii", ".png", ".tif", ".tiff", ".bmp")


@dataclass(frozen=True)
class NnunetSplits:
    """The content of splits_final.json.

    Attributes:
        path: the file, for messages.
        train: cases that the model of each fold was trained on.
        val: cases that it held out.
    """

    path: Path
    train: tuple[frozenset[str], ...]
    val: tuple[frozenset[str], ...]

    @property
    def cases(self) -> set[str]:
        """All cases of the file."""
        return set().union(*self.train, *self.val)

    def held_out_in(self, case: str) -> list[int]:
        """Returns the folds that hold a case out."""
        return [fold for fold, cases in enumerate(self.val) if case in cases]

    @classmethod
    def read(cls, path: str | Path) -> "NnunetSplits":
        """Reads a file.

        Raises:
            FileNotFoundError: there is none.
            UserError: it is another kind of file, holds a case out twice, or trains a fold on what it holds out.
        """
        path = Path(path)
        hint = "nnU-Net keeps it in nnUNet_preprocessed/DatasetXXX/splits_final.json"
        folds = read_json(path, "splits_final.json of nnU-Net", expect=list, hint=hint)
        try:
            parts = [[frozenset(_names(fold[part])) for fold in folds] for part in ("train", "val")]
        except (KeyError, TypeError) as error:
            raise UserError(
                f'{path}: is no splits_final.json of nnU-Net ({error!r}); that is a list with {{"train": [...], "val": [...]}} '
                "for each fold"
            ) from error
        splits = cls(path, *map(tuple, parts))
        problems = []
        for fold, (train, val) in enumerate(zip(splits.train, splits.val)):
            if train & val:
                problems.append(f"fold {fold} trains on cases that it holds out: {listed(train & val)}")
        twice = [case for case, count in Counter(case for val in splits.val for case in val).items() if count > 1]
        if twice:
            problems.append(f"cases that two folds hold out: {listed(twice)}")
        if not splits.cases:
            problems.append("there are no cases in it")
        if problems:
            raise UserError(f"{path}:\n" + "\n".join(f"- {problem}" for problem in problems))
        return splits


def write_nnunet_splits(
    splits: Splits, path: str | Path, labels: str | Path | None = None, table: dict[str, str] | None = None
) -> str:
    """Writes the folds of a converted set as nnU-Net's splits_final.json, to train nnU-Net on them.

    Test images are in no fold, so that nnU-Net doesn't train on them.

    Args:
        splits: of the set.
        path: the file to write.
        labels: nnU-Net's folder labelsTr, whose files name the cases. Without it a case has the name of the image, less "_0000" at
            its end.
        table: case -> image, as for the import.

    Returns:
        What was written, in words.

    Raises:
        FileNotFoundError: there is no such folder of labels.
        UserError: two cases are one image, or training images have no case.
    """
    training = splits.select("train")
    case_of, left_out = _cases(splits, labels, table)
    missing = [name for name in training if name not in case_of]
    if missing:
        raise UserError(
            f"{labels or '--names'}: {len(missing)} training images of {splits.dataset} have no case: {listed(missing)}. {RULE}"
        )
    folds = [
        {part: [case_of[name] for name in splits.select(part, fold)] for part in ("train", "val")}
        for fold in range(splits.num_folds)
    ]
    write_json(Path(path), folds, indent=4)
    text = f"wrote {path}: {splits.num_folds} folds of {len(training)} training images of {splits.dataset}"
    if left_out:
        text += f"\nleft out, as they are no training images of the set: {len(left_out)} cases: {listed(left_out)}"
    return text


def _cases(splits: Splits, labels: str | Path | None, table: dict[str, str] | None) -> tuple[dict[str, str], list[str]]:
    """Returns the case of each training image, and cases that are something else."""
    if labels is None:
        known = {name: case for case, name in (table or {}).items() if name}
        return {name: known.get(name, name.removesuffix(CHANNEL)) for name in splits.select("train")}, []
    folder = Path(labels)
    if not folder.is_dir():
        raise MissingFileError(f"{folder}: no such folder; give nnUNet_raw/DatasetXXX/labelsTr")
    matcher = NameMatcher(splits.images, table)
    training, case_of, left_out = set(splits.select("train")), {}, []
    for path in sorted(folder.iterdir()):
        suffix = next((end for end in _LABEL_SUFFIXES if path.name.lower().endswith(end)), None)
        if suffix is None or path.name.startswith("."):
            continue
        case = path.name[: -len(suffix)]
        name = matcher.image_of(case)
        if name not in training:
            left_out.append(case)
        elif name in case_of:
            raise UserError(f"{folder}: the cases {case_of[name]} and {case} are both image {name!r}. {RULE}")
        else:
            case_of[name] = case
    return case_of, left_out


def _names(value) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError("a part is a list of names")
    return value
