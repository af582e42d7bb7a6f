"""Brings predictions of another tool into the store that phases 2 and 3 read, so that they refine that tool's masks:
python tools/import_predictions.py write-splits data/busi nnUNet_preprocessed/Dataset100_BUSI/splits_final.json
python tools/import_predictions.py nnunet nnUNet_results/Dataset100_BUSI/nnUNetTrainer__nnUNetPlans__2d --data data/busi \\
    --splits nnUNet_preprocessed/Dataset100_BUSI/splits_final.json --test 0=predicted/test_fold0
python tools/import_predictions.py csv predictions.csv --data data/busi
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes: its own sub-commands."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    nnunet = commands.add_parser("nnunet", help="what nnU-Net v2 predicted of the images that each fold held out")
    nnunet.add_argument("results", help="nnUNet_results/DatasetXXX/TRAINER__PLANS__CONFIG")
    nnunet.add_argument(
        "--splits", required=True, metavar="FILE", help="the splits_final.json that nnU-Net was trained with"
    )
    nnunet.add_argument(
        "--test",
        nargs="+",
        default=[],
        metavar="K=FOLDER",
        help="test images that the model of fold K alone predicted (nnUNetv2_predict -f K --save_probabilities)",
    )
    _add_shared(nnunet)
    table = commands.add_parser("csv", help="predictions of any tool, listed in a table: name,fold,file")
    table.add_argument("table", help="CSV with the columns name, fold, file and, if wanted, split (val or test)")
    table.add_argument(
        "--kind",
        choices=["auto", "mask", "probability"],
        default="auto",
        help="what the files' values mean (default: auto: floats are probabilities, what looks like a mask is one)",
    )
    _add_shared(table)
    write = commands.add_parser("write-splits", help="the other way: a set's folds as nnU-Net's splits_final.json")
    write.add_argument("data", help="the converted set, e.g. data/busi")
    write.add_argument("file", help="to write, e.g. nnUNet_preprocessed/DatasetXXX/splits_final.json")
    write.add_argument("--labels", metavar="FOLDER", help="nnUNet_raw/DatasetXXX/labelsTr, whose files name the cases")
    _add_names(write)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, metavar="ROOT", help="the converted set, e.g. data/busi")
    parser.add_argument("--out", metavar="FOLDER", help="the store (default: work_dirs/predictions/imported_SET)")
    parser.add_argument("--size", type=int, default=224, help="side of the stored predictions in px (default: 224)")
    _add_names(parser)


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--names", metavar="CSV", help="case,name for what the rule of names doesn't find; no name: not in the set"
    )


def main(args: argparse.Namespace) -> int:
    """Imports, or writes the splits, prints a report, and returns the exit status."""
    from ultraref.datasets.prediction_import import read_names, write_nnunet_splits
    from ultraref.datasets.splits import Splits

    splits = Splits.read(args.data)
    names = None if args.names is None else read_names(args.names)
    if args.command == "write-splits":
        print(write_nnunet_splits(splits, args.file, args.labels, names))
        return 0
    return _import(args, splits, names)


def _import(args: argparse.Namespace, splits, names: dict[str, str] | None) -> int:
    from rich.progress import track

    from ultraref.cli.commands import spell
    from ultraref.datasets.prediction_import import (
        NameMatcher,
        NnunetSplits,
        find_listed,
        find_nnunet,
        import_predictions,
    )

    matcher = NameMatcher(splits.images, names)
    if args.command == "nnunet":
        test = test_folders(args.test, splits.num_folds)
        source = find_nnunet(args.results, NnunetSplits.read(args.splits), splits, matcher, test)
    else:
        source = find_listed(args.table, splits, matcher, args.kind)
    # As the sets in configs/_base_/datasets: their names are those of their folders.
    set_name = Path(args.data).resolve().name
    root = args.out or f"work_dirs/predictions/imported_{set_name}"
    report = import_predictions(
        source, args.data, root, args.size, lambda items: track(items, description="importing", transient=True)
    )
    print(report)
    if args.out is None:
        print(spell(f"next: python tools/train.py configs/phase2/imported.py --set {set_name} --fold 0"))
    return 0


def test_folders(words: list[str], num_folds: int) -> dict[int, Path]:
    """Reads ["0=FOLDER", ...].

    Raises:
        UserError: a word is something else, or names a fold that there isn't, or one twice.
    """
    from ultraref.errors import UserError

    folders: dict[int, Path] = {}
    for word in words:
        fold, _, folder = word.partition("=")
        if not fold.isdecimal() or not folder or int(fold) >= num_folds or int(fold) in folders:
            raise UserError(
                f"--test {word}: give each fold whose model predicted the test images once, as K=FOLDER with K from 0 to "
                f"{num_folds - 1}"
            )
        folders[int(fold)] = Path(folder)
    return folders
