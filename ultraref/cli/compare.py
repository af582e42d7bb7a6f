"""Compares tests of two or more runs case by case, the first being the reference:
python tools/compare.py work_dirs/lite_busi_fold0 work_dirs/lite_gated_busi_fold0 [--metric dice] [--margin 0.01] [--out FOLDER]
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="work directory of a test, or its metrics.csv; the first is the reference",
    )
    parser.add_argument(
        "--metric",
        action="append",
        metavar="NAME",
        help="dice (the default), iou, hd95, ... of the refined mask, or a column such as coarse_dice; may be given several times",
    )
    parser.add_argument(
        "--margin", type=float, help="also test non-inferiority with this margin, in the metric's own unit"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", help="write comparison.csv, comparison.json and comparison.tex there"
    )


def main(args: argparse.Namespace) -> int:
    """Prints the comparison, and returns the exit status."""
    from ultraref.apis.compare import compare

    compare(args.runs, tuple(args.metric or ("dice",)), args.margin, args.out)
    return 0
