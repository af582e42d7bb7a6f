"""Trains a config: python tools/train.py configs/phase3/gated.py --set busi --fold 0"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_config_arguments(parser)
    parser.add_argument("--work-dir", help="where checkpoints and logs go (default: work_dirs/RECIPE_SET_foldK)")
    parser.add_argument(
        "--resume",
        nargs="?",
        const=True,
        default=False,
        metavar="PATH",
        help="go on from PATH, or from the last checkpoint",
    )
    parser.add_argument(
        "--requeue",
        action="store_true",
        help="in a job of Slurm: when SIGUSR1 or SIGTERM stops the training, save and queue the job again; then it goes on from there",
    )
    parser.add_argument("--amp", action="store_true", help="mixed precision")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    # torch.distributed.launch passes this one; torchrun sets LOCAL_RANK.
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Trains, and returns the exit status: 1 where images were left out (`missing="skip"`), 128 and its number after a signal."""
    from ultraref.apis import train
    from ultraref.apis.converted_sets import left_out_of

    cfg = config_from(args, args.work_dir)
    runner = train(cfg, resume=args.resume, amp=args.amp, launcher=args.launcher, requeue=args.requeue)
    return 1 if left_out_of(runner.train_dataloader.dataset) else 0
