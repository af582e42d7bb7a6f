"""Segments images with a trained model:
python tools/predict.py configs/phase3/gated.py images/ --weights work_dirs/gated_busi_fold0/best.pth --out predictions
"""

import argparse

from ultraref.cli.inference_arguments import add_inference_arguments, inferencer_from, run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_inference_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Predicts, and returns the exit status."""
    return run(args, inferencer_from(args))
