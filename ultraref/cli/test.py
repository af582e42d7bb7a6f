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
        "--data",
        action="append",
        metavar="ROOT[,ROOT...]",
        help="test on these converted sets instead of the recipe's, with a table for each; may be repeated. A ROOT that is there is taken whole, "
        "whatever commas it has",
    )
    parser.add_argument(
        "--part",
        choices=["test", "val", "all"],
        default="test",
        help="part of the sets of --data: their test images (default), the fold that the recipe holds out, or all images",
    )
    parser.add_argument(
        "--coarse",
        metavar="CHECKPOINT",
        help="with --data, of a phase-2 recipe: the coarse network's checkpoint, where it isn't where the stored predictions say, or where they "
        "are of several",
    )
    parser.add_argument(
        "--skip-missing",
        action="store_true",
        help="leave out and count images that aren't there; the exit status is 1 then",
    )
    parser.add_argument(
        "--tta", action="store_true", help="test-time augmentation: average over the images and their mirror images"
    )
    parser.add_argument(
        "--work-dir",
        help="where metrics.json and metrics.csv go (default: work_dirs/RECIPE_SET_foldK, and in it ensemble, tta, ensemble_tta "
        "or, with --data, on_SET where that applies)",
    )
    parser.add_argument(
        "--out", metavar="FOLDER", help="write the refined masks there, one PNG an image in its native size"
    )
    parser.add_argument("--show-dir", metavar="FOLDER", help="write an overlay of every case there")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Tests, and returns the exit status: 1 where images were left out."""
    from ultraref.apis import test
    from ultraref.apis.converted_sets import folder_name, roots_of

    cfg = config_from(args, args.work_dir)
    kind = "_".join(["ensemble"] * (len(args.checkpoint) > 1) + ["tta"] * args.tta)
    if kind and args.work_dir is None:
        # The test of the one checkpoint keeps its place.
        cfg.work_dir = str(Path(cfg.work_dir) / kind)
    roots = roots_of(args.data or [])
    if roots and args.work_dir is None:
        cfg.work_dir = str(Path(cfg.work_dir) / folder_name(roots, args.part))
    metrics = test(
        cfg,
        args.checkpoint,
        out=args.out,
        show_dir=args.show_dir,
        launcher=args.launcher,
        tta=args.tta,
        data=roots,
        part=args.part,
        coarse=args.coarse,
        skip_missing=args.skip_missing,
    )
    return 1 if metrics.get("left_out") else 0
