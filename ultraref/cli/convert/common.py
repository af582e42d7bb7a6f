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
    parser.set_defaults(default_test_percent=test_percent)
    parser.add_argument("--ungrouped", action="store_true", help="plain split of single images; leaks near-duplicates")
    parser.add_argument(
        "--duplicate-distance",
        type=int,
        default=DUPLICATE_DISTANCE,
        help="images whose 256-bit pHashes differ in at most so many bits stay together (default: %(default)s)",
    )
    parser.add_argument(
        "--manifest",
        metavar="FILE",
        help="split as this file says; images that are missing, extra or differ are refused",
    )
    parser.add_argument("--write-manifest", metavar="FILE", help="write the split as a file for others to convert by")
    parser.add_argument("--resize-masks", action="store_true", help="resize masks of another size than their image")
    parser.add_argument("--keep-normals", action="store_true", help="write images without a lesion to DST/normals")
    parser.add_argument("--skip-bad", action="store_true", help="leave out and count what is defective")


def _check_manifest(args: argparse.Namespace) -> None:
    """Refuses options that a given split leaves no room for."""
    from ultraref.errors import UserError

    unset = {
        "seed": 0,
        "ungrouped": False,
        "duplicate_distance": DUPLICATE_DISTANCE,
        "folds": None,
        "official_folds": None,
    }
    given = [f"--{name.replace('_', '-')}" for name, value in unset.items() if getattr(args, name, value) != value]
    if given:
        raise UserError(
            f"--manifest decides the split, so that {' and '.join(given)} would do nothing; leave one of them out"
        )


def write_converted(found: "Found", args: argparse.Namespace) -> int:
    """Converts what was found below SRC, prints the report, and returns the exit status."""
    from rich.progress import track

    from ultraref.datasets.converters import convert
    from ultraref.datasets.converters.split_manifest import SplitManifest
    from ultraref.datasets.splits import Splits

    manifest = None
    if args.manifest is not None:
        _check_manifest(args)
        manifest = SplitManifest.read(args.manifest)
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
        manifest=manifest,
        progress=lambda items: track(items, description=f"converting {args.name}"),
    )
    print(report)
    if manifest is not None:
        print(
            f"split by {args.manifest}, manifest hash {manifest.hash[:16]}: all {len(manifest.images)} images are those that it names"
        )
    if args.write_manifest is not None:
        written = SplitManifest.of(Splits.read(args.dst), found.samples)
        written.write(args.write_manifest)
        print(f"wrote {args.write_manifest}, manifest hash {written.hash[:16]}")
    return 0
