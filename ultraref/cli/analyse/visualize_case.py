"""Draws prompts, ROI, candidates, gate and error of one case:
python tools/analysis_tools/visualize_case.py configs/phase3/gated.py work_dirs/gated_busi_fold0/best.pth benign_0007 --set busi --fold 0
"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_config_arguments(parser)
    parser.add_argument("checkpoint", help="checkpoint of the whole model")
    parser.add_argument("image", help="name of the image in the set, as in metrics.csv")
    parser.add_argument("--out", metavar="FILE", help="PNG to write (default: IMAGE.png)")
    parser.add_argument("--split", choices=("train", "val", "test"), default="test", help="default: test")
    parser.add_argument("--device", help="default: cuda where there is one")


def main(args: argparse.Namespace) -> int:
    """Draws, and returns the exit status."""
    from ultraref.apis.analyse.visualize_case import visualize_case

    out = args.out or f"{args.image.replace('/', '_')}.png"
    visualize_case(config_from(args), args.checkpoint, args.image, out, args.split, args.device)
    print(f"wrote {out}")
    return 0
