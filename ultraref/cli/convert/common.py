"""What all converters take and do."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ultraref.defaults import DUPLICATE_DISTANCE, HASH_BITS

if TYPE_CHECKING:
    from ultraref.datasets.converters import Found


def add_converter_arguments(
    parser: argparse.ArgumentParser,
    name: str | None,
    options: dict[str, dict] | None = None,
    test_percent: int = 20,
    src_help: str = "folder of the unpacked archive",
) -> None:
    """Adds `SRC DST` and the options.

    Args:
        parser: of the sub-command.
        name: of the set, which splits.json records by default; None takes DST's, so that own sets have names of their own.
        options: the set's own options: arguments of `add_argument` by flag.
        test_percent: default share of test images.
        src_help: what SRC is.
    """
    parser.add_argument("src", help=src_help)
    parser.add_argument("dst", help="folder to write, e.g. data/busi")
    for flag, settings in (options or {}).items():
        parser.add_argument(flag, **settings)
    default = "DST's name" if name is None else "%(default)s"
    parser.add_argument("--name", default=name, help=f"name of the set in splits.json (default: {default})")
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
        choices=range(HASH_BITS + 1),
        metavar="BITS",
        help="images whose 256-bit pHashes differ in at most so many bits stay together (default: "
        f"{DUPLICATE_DISTANCE}, or less where the images of the set are more alike)",
    )
    parser.add_argument(
        "--accept-large-groups",
        action="store_true",
        help="keep near-duplicates together even if they are more than 2 %% of the set or 30 images",
    )
    parser.add_argument(
        "--given-splits",
        metavar="FILE",
        help="CSV or JSON that says which images or patients are in train, val and test, or in which fold",
    )
    parser.add_argument(
        "--pairs",
        metavar="FILE",
        help="pairs.csv of the audit, with verdicts: accepted pairs stay together, rejected ones are no duplicates",
    )
    parser.add_argument(
        "--manifest",
        metavar="FILE",
        help="split as this file says; images that are missing, extra or differ are refused",
    )
    parser.add_argument("--write-manifest", metavar="FILE", help="write the split as a file for others to convert by")
    parser.add_argument("--resize-masks", action="store_true", help="resize masks of another size than their image")
    parser.add_argument("--keep-normals", action="store_true", help="take images without a lesion into the set")
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave out and count what is defective; the exit status is 1 then"
    )
    parser.add_argument(
        "--skip-missing",
        action="store_true",
        help="leave out and count images that a table or an annotation file names and that aren't there; the exit status is 1 then",
    )


# What a file that decides the split leaves no room for: its default by name.
_DECIDED_BY_MANIFEST = {
    "seed": 0,
    "ungrouped": False,
    "duplicate_distance": None,
    "accept_large_groups": False,
    "given_splits": None,
    "pairs": None,
    "folds": None,
    "official_folds": None,
}
_DECIDED_BY_PARTS = {"ungrouped": False, "folds": None, "official_folds": None}


def _refuse_both(args: argparse.Namespace, flag: str, decided: dict) -> None:
    """Refuses options that a given split leaves no room for."""
    from ultraref.errors import UserError

    given = [f"--{name.replace('_', '-')}" for name, value in decided.items() if getattr(args, name, value) != value]
    if flag == "--given-splits" and args.test_percent != args.default_test_percent:
        given.append("--test-percent")
    if given:
        raise UserError(
            f"{flag} decides the split, so that {' and '.join(given)} would do nothing; leave one of them out"
        )


def write_converted(found: "Found", args: argparse.Namespace) -> int:
    """Converts what was found below SRC, prints the report, and returns the exit status: 1 where something was skipped."""
    from rich.progress import track

    from ultraref.datasets.converters import convert
    from ultraref.datasets.converters.given_splits import GivenSplits
    from ultraref.datasets.converters.split_manifest import SplitManifest
    from ultraref.datasets.judged_pairs import JudgedPairs
    from ultraref.datasets.splits import Splits

    if args.name is None:
        args.name = Path(args.dst).resolve().name
    manifest = given = None
    if args.manifest is not None:
        _refuse_both(args, "--manifest", _DECIDED_BY_MANIFEST)
        manifest = SplitManifest.read(args.manifest)
    if args.given_splits is not None:
        _refuse_both(args, "--given-splits", _DECIDED_BY_PARTS)
        given = GivenSplits.read(args.given_splits)
    report = convert(
        found,
        args.dst,
        args.name,
        seed=args.seed,
        test_percent=args.test_percent,
        ungrouped=args.ungrouped,
        duplicate_distance=args.duplicate_distance,
        accept_large_groups=args.accept_large_groups,
        resize_masks=args.resize_masks,
        keep_normals=args.keep_normals,
        skip_bad=args.skip_bad,
        skip_missing=args.skip_missing,
        manifest=manifest,
        given_splits=given,
        pairs=None if args.pairs is None else JudgedPairs.read(args.pairs),
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
    return 0 if report.is_whole else 1
