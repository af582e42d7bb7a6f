"""What all converters take and do."""

import argparse
from typing import TYPE_CHECKING

from ultraref.defaults import DUPLICATE_DISTANCE

if TYPE_CHECKING:
    from ultraref.datasets.converters import Found


def add_converter_arguments(
    parser: argparse.ArgumentParser, name: str, options: dict[str, dict] | None = None, test_percent: int = 20
) -> None:
    """Adds `SRC DST` and the options.

    Args:
        parser: of the sub-command.
        name: of the set, which splits.json records by default.
        options: the set's own options: arguments of `add_argument` by flag.
        test_percent: default share of test images.
    """
    parser.add_argument("src", help="folder of the unpacked archive")
    parser.add_argument("dst", help="folder to write, e.g. data/busi")
    for flag, settings in (options or {}).items():
        parser.add_argument(flag, **settings)
    parser.add_argument("--name", default=name, help="name of the set in splits.json (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the split (default: 0)")
    parser.add_argument(
        "--test-percent",
        type=int,
        default=test_percent,
        choices=range(101),
        metavar="PERCENT",
        help="share of test images (default: %(default)s)",
    )
    parser.add_argument("--ungrouped", action="store_true", help="plain split of single images; leaks near-duplicates")
    parser.add_argument(
        "--duplicate-distance",
        type=int,
        default=DUPLICATE_DISTANCE,
        help="images whose 256-bit pHashes differ in at most so many bits stay together (default: %(default)s)",
    )
    parser.add_argument("--resize-masks", action="store_true", help="resize masks of another size than their image")
    parser.add_argument("--keep-normals", action="store_true", help="write images without a lesion to DST/normals")
    parser.add_argument("--skip-bad", action="store_true", help="leave out and count what is defective")


def write_converted(found: "Found", args: argparse.Namespace) -> int:
    """Converts what was found below SRC, prints the report, and returns the exit status."""
    from rich.progress import track

    from ultraref.datasets.converters import convert

    report = convert(
        found,
        args.dst,
        args.name,
        seed=args.seed,
        test_percent=args.test_percent,
        ungrouped=args.ungrouped,
        duplicate_distance=args.duplicate_distance,
        resize_masks=args.resize_masks,
        keep_normals=args.keep_normals,
        skip_bad=args.skip_bad,
        progress=lambda items: track(items, description=f"converting {args.name}"),
    )
    print(report)
    return 0
