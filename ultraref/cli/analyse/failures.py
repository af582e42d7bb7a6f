"""Draws every case of a test that lost more than five points of Dice, with its prompts:
python tools/analysis_tools/failures.py configs/phase3/lite.py work_dirs/lite_busi_fold0/best.pth work_dirs/lite_busi_fold0 --set busi --fold 0
"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_config_arguments(parser)
    parser.add_argument("checkpoint", help="checkpoint that was tested")
    parser.add_argument("run", metavar="RUN", help="work directory of the test, or its metrics.csv")
    parser.add_argument(
        "--out", default="failures", metavar="DIR", help="folder for the pictures (default: %(default)s)"
    )
    parser.add_argument(
        "--lost", type=float, default=0.05, metavar="DICE", help="least fall of Dice (default: %(default)s)"
    )
    parser.add_argument("--split", choices=("train", "val", "test"), default="test", help="default: test")
    parser.add_argument("--device", help="default: cuda where there is one")


def main(args: argparse.Namespace) -> int:
    """Draws, and returns the exit status."""
    from ultraref.apis.analyse.failures import draw_failures

    config = config_from(args)
    names = draw_failures(config, args.checkpoint, args.run, args.out, args.lost, args.split, args.device)
    print(f"wrote {len(names)} cases to {args.out}: {', '.join(names) or 'none lost that much'}")
    return 0
