"""Writes made-up breast-ultrasound images in BUSI's layout: a stand-in for trying the toolkit without any data."""

import argparse
import os
import sys
from functools import partial

from rich.progress import track

from ultraref.console import run
from ultraref.testing.phantom_dataset import write_phantom_busi


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dst", help="folder to write, e.g. data/raw/phantoms")
    parser.add_argument("--num", type=int, default=240, help="images in all (default: 240)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-side", type=int, help="shrink images to this longest side in pixels (default: as drawn)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes that draw (default: one a core)"
    )
    args = parser.parse_args()
    progress = partial(track, description="phantoms")
    counts = write_phantom_busi(args.dst, args.num, args.seed, args.max_side, args.jobs, progress)
    print(f"{args.dst}: " + ", ".join(f"{count} {category}" for category, count in counts.items()))
    print(f"next: python tools/dataset_converters/busi.py {args.dst} DST")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
