"""Refines masks that another tool made:
python tools/refine.py configs/refine/lite_medsam.py images/ --coarse masks/ --out refined
"""

import argparse

from ultraref.cli.inference_arguments import add_inference_arguments, inferencer_from, run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_inference_arguments(parser)
    parser.add_argument(
        "--coarse",
        metavar="FOLDER",
        required=True,
        help="masks or probabilities of the images, found by name (or the one of a single image): .png, .npy, .npz (nnU-Net), .nii.gz, .tif",
    )
    parser.add_argument(
        "--coarse-kind",
        choices=["auto", "mask", "probability"],
        default="auto",
        help="what those files hold (default: auto, which refuses what it can't tell)",
    )
    parser.add_argument(
        "--each-lesion", action="store_true", help="refine each connected part of a mask by itself, and join them"
    )
    parser.add_argument(
        "--softness",
        type=float,
        default=1.0,
        metavar="PX",
        help="how soft the outline of a mask of 0 and 1 is made for the gate, in pixels of the coarse frame (default: 1; 0: not)",
    )


def main(args: argparse.Namespace) -> int:
    """Refines, and returns the exit status."""
    options = dict(each_lesion=args.each_lesion, softness=args.softness, coarse_kind=args.coarse_kind)
    return run(args, inferencer_from(args, **options), args.coarse)
