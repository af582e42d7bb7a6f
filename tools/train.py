"""Trains a config: python tools/train.py configs/phase1/transunet_busi_fold0.py"""

import argparse
import sys

from mmengine.config import DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument("--work-dir", help="where checkpoints and logs go (default: work_dirs/<config name>)")
    parser.add_argument(
        "--resume",
        nargs="?",
        const=True,
        default=False,
        metavar="PATH",
        help="go on from PATH, or from the last checkpoint",
    )
    parser.add_argument("--amp", action="store_true", help="mixed precision")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument(
        "--cfg-options", nargs="+", action=DictAction, metavar="KEY=VALUE", help="change keys of the config"
    )
    # torch.distributed.launch passes this one; torchrun sets LOCAL_RANK.
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    from ultraref.apis import load_config, train

    cfg = load_config(args.config, args.cfg_options, args.work_dir)
    train(cfg, resume=args.resume, amp=args.amp, launcher=args.launcher)
    return 0


if __name__ == "__main__":
    from ultraref.apis.console import run

    sys.exit(run(main))
