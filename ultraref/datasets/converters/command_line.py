"""The command line that all converters share."""

import argparse
import sys
from collections.abc import Callable

from rich.progress import track

from ultraref.datasets.converters.convert import DUPLICATE_DISTANCE, convert


def run_converter(dataset: str, find: Callable, description: str, argv: list[str] | None = None) -> None:
    """Parses `SRC DST` and the shared options, converts and prints the report; an error ends with its message.

    Args:
        dataset: name of the set, which splits.json records.
        find: SRC -> (samples, messages about files left out).
        description: what `--help` says first.
        argv: arguments; those of the program by default.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("src", help="folder of the unpacked archive")
    parser.add_argument("dst", help="folder to write, e.g. data/busi")
    parser.add_argument("--name", default=dataset, help="name of the set in splits.json (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the split (default: 0)")
    parser.add_argument("--ungrouped", action="store_true", help="plain split of single images; leaks near-duplicates")
    parser.add_argument(
        "--duplicate-distance",
        type=int,
        default=DUPLICATE_DISTANCE,
        help="images whose 256-bit pHashes differ in at most so many bits stay together (default: %(default)s)",
    )
    args = parser.parse_args(argv)
    try:
        samples, left_out = find(args.src)
        report = convert(
            samples,
            args.dst,
            args.name,
            left_out=left_out,
            seed=args.seed,
            ungrouped=args.ungrouped,
            duplicate_distance=args.duplicate_distance,
            progress=lambda items: track(items, description=f"converting {args.name}"),
        )
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(report)
