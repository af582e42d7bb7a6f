"""Draws learning curves of one or more trainings:
python tools/analysis_tools/plot_logs.py work_dirs/gated_busi_fold0 work_dirs/lite_busi_fold0 --out curves.svg
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument("work_dirs", nargs="+", metavar="WORK_DIR", help="work directories of trainings")
    parser.add_argument("--out", default="curves.png", help="picture to write, .png or .svg (default: %(default)s)")
    parser.add_argument(
        "--keys",
        nargs="+",
        metavar="KEY",
        help="what to draw, names of the log or patterns in quotes (default: loss 'val_*/dice' lr)",
    )


def main(args: argparse.Namespace) -> int:
    """Draws, and returns the exit status."""
    from ultraref.apis.analyse.plot_logs import DEFAULT_KEYS, plot_logs

    drawn = plot_logs(args.work_dirs, args.out, args.keys or DEFAULT_KEYS)
    print(f"wrote {args.out}: {', '.join(drawn)}")
    return 0
