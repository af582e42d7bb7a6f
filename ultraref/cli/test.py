"""Tests a checkpoint, or several of one recipe as an ensemble:
python tools/test.py configs/phase3/gated.py work_dirs/gated_busi_fold0/best.pth --set busi --fold 0
"""

import argparse
from pathlib import Path

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_config_arguments(parser)
    parser.add_argument(
        "checkpoint",
        nargs="*",
        help="checkpoint of the whole model (default: the weights that the recipe itself names, untrained); of several, those of all folds for example, the mean of their predictions is tested, and "
        "each for comparison",
    )
    parser.add_argument(
        "--tta", action="store_true", help="test-time augmentation: average over the images and their mirror images"
    )
    parser.add_argument(
        "--work-dir",
        help="where metrics.json and metrics.csv go (default: work_dirs/RECIPE_SET_foldK, and in it ensemble, tta or ensemble_tta "
        "where that applies)",
    )
    parser.add_argument(
        "--out", metavar="FOLDER", help="write the refined masks there, one PNG an image in its native size"
    )
    parser.add_argument("--show-dir", metavar="FOLDER", help="write an overlay of every case there")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Tests, and returns the exit status."""
    from ultraref.apis import test

    cfg = config_from(args, args.work_dir)
    kind = "_".join(["ensemble"] * (len(args.checkpoint) > 1) + ["tta"] * args.tta)
    if kind and args.work_dir is None:
        # The test of the one checkpoint keeps its place.
        cfg.work_dir = str(Path(cfg.work_dir) / kind)
    test(cfg, args.checkpoint, out=args.out, show_dir=args.show_dir, launcher=args.launcher, tta=args.tta)
    return 0
