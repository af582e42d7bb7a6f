"""Stores out-of-fold coarse predictions for phase 2:
python tools/predict_coarse.py configs/phase1/transunet.py work_dirs/transunet_busi_fold0/best.pth --set busi --fold 0
"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_config_arguments(parser, "phase-1 recipe")
    parser.add_argument("checkpoint", help="checkpoint that this config made")
    parser.add_argument(
        "--split", choices=["val", "test"], default="val", help="the fold that was held out, or the test set"
    )
    parser.add_argument("--out", metavar="FOLDER", help="root of the store (default: predictions_root of the config)")
    parser.add_argument("--device", help="default: cuda where there is one")


def main(args: argparse.Namespace) -> int:
    """Predicts, prints the folder that was written, and returns the exit status."""
    from ultraref.apis import predict_coarse

    cfg = config_from(args)
    folder = predict_coarse(cfg, args.checkpoint, args.split, root=args.out, device=args.device)
    print(f"wrote {folder}")
    return 0
