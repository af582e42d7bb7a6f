"""Writes made-up breast-ultrasound images in BUSI's layout: a stand-in for trying the toolkit without any data."""

import argparse
import os
from functools import partial

from ultraref.cli.commands import spell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument("dst", help="folder to write, e.g. data/raw/phantoms")
    parser.add_argument("--num", type=int, default=240, help="images in all (default: 240)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-side", type=int, help="shrink images to this longest side in pixels (default: as drawn)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes that draw (default: one a core)"
    )


def main(args: argparse.Namespace) -> int:
    """Draws, prints how many of each class, and returns the exit status."""
    from rich.progress import track

    from ultraref.testing.phantom_dataset import write_phantom_busi

    progress = partial(track, description="phantoms")
    counts = write_phantom_busi(args.dst, args.num, args.seed, args.max_side, args.jobs, progress)
    print(f"{args.dst}: " + ", ".join(f"{count} {category}" for category, count in counts.items()))
    print(spell(f"next: python tools/dataset_converters/busi.py {args.dst} DST"))
    return 0
