"""Tests a checkpoint:
python tools/test.py configs/phase3/gated.py work_dirs/gated_busi_fold0/best.pth --set busi --fold 0
"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_config_arguments(parser)
    parser.add_argument("checkpoint", help="checkpoint of the whole model")
    parser.add_argument(
        "--work-dir", help="where metrics.json and metrics.csv go (default: work_dirs/RECIPE_SET_foldK)"
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
    test(cfg, args.checkpoint, out=args.out, show_dir=args.show_dir, launcher=args.launcher)
    return 0
