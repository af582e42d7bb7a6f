"""Draws what the networks see of the data after the pipeline:
python tools/analysis_tools/browse_dataset.py configs/phase3/gated.py --set busi --fold 0 --out browsed
"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_config_arguments(parser)
    parser.add_argument("--out", metavar="FOLDER", required=True, help="receives one PNG a sample")
    parser.add_argument("--split", choices=("train", "val", "test"), default="train", help="default: train")
    parser.add_argument("--num", type=int, default=16, metavar="N", help="samples, spread over the data (default: 16)")
    parser.add_argument("--epoch", type=int, default=0, help="whose augmentations are drawn (default: 0)")


def main(args: argparse.Namespace) -> int:
    """Draws, and returns the exit status."""
    from ultraref.apis.analyse.browse_dataset import browse_dataset

    files = browse_dataset(config_from(args), args.out, args.split, args.num, args.epoch)
    print(f"wrote {len(files)} pictures to {args.out}")
    return 0
