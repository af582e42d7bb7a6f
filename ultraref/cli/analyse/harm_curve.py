"""Draws what scores are worth by which a case is refined or left alone:
python tools/analysis_tools/harm_curve.py work_dirs/quality_head_busi_fold0 --out harm.png
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="work directories of tests, joined, or their metrics.csv"
    )
    parser.add_argument("--out", default="harm.png", help="picture to write, .png or .svg (default: %(default)s)")
    parser.add_argument("--scores", nargs="+", metavar="SCORE", help="by default all that the tables have")


def main(args: argparse.Namespace) -> int:
    """Draws, and returns the exit status."""
    from ultraref.apis.analyse.harm_curve import describe_curves, draw_harm_curves

    curves = draw_harm_curves(args.runs, args.out, args.scores or ())
    print("\n".join(describe_curves(curves)))
    print(f"wrote {args.out}")
    return 0
