"""The command line that all converters share."""

import argparse
from collections.abc import Callable

from rich.progress import track

from ultraref.console import run
from ultraref.datasets.converters.convert import DUPLICATE_DISTANCE, convert


def run_converter(
    dataset: str,
    find: Callable,
    description: str,
    argv: list[str] | None = None,
    *,
    options: dict[str, dict] | None = None,
    test_percent: int = 20,
) -> int:
    """Parses `SRC DST` and the options, converts, prints the report and returns the exit status (`ultraref.console`).

    Args:
        dataset: name of the set, which splits.json records.
        find: (SRC, **options) -> `Found`.
        description: what `--help` says first.
        argv: arguments; those of the program by default.
        options: the set's own options, which `find` takes as keywords: arguments of `add_argument` by flag.
        test_percent: default share of test images.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("src", help="folder of the unpacked archive")
    parser.add_argument("dst", help="folder to write, e.g. data/busi")
    own = [parser.add_argument(flag, **settings).dest for flag, settings in (options or {}).items()]
    parser.add_argument("--name", default=dataset, help="name of the set in splits.json (default: %(default)s)")
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
    args = parser.parse_args(argv)

    def main() -> int:
        report = convert(
            find(args.src, **{name: getattr(args, name) for name in own}),
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

    return run(main)
