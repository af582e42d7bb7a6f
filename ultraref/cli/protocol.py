"""Runs a protocol, all phases over sets, folds and variants, and goes on where an earlier call stopped:
python tools/run_protocol.py configs/protocols/five_sets.py --jobs 2
python tools/run_protocol.py busi --source busi=FOLDER_OF_THE_PUBLISHED_FILES --dry-run
"""

import argparse

from ultraref.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("protocol", help="config of a protocol, or the name of one in configs/protocols")
    parser.add_argument(
        "--steps",
        nargs="+",
        metavar="KIND",
        help="only steps of these kinds: weights, convert, phase1, predict, phase2, phase3, test, summary, report",
    )
    parser.add_argument("--folds", nargs="+", type=int, metavar="FOLD", help="only these folds")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="only these sets")
    parser.add_argument(
        "--source",
        nargs="+",
        default=[],
        metavar="SET=FOLDER",
        help="raw images of a set, to be converted where that hasn't been done",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would run, and why")
    parser.add_argument(
        "--jobs", type=int, help="steps that run at a time, with a share of the cores each (default: the protocol's)"
    )
    parser.add_argument(
        "--launcher", choices=["none", "slurm"], default="none", help="slurm: one job a step (needs submitit)"
    )
    parser.add_argument(
        "--any-code", action="store_true", help="keep what another version of ultraref finished from the same inputs"
    )


def main(args: argparse.Namespace) -> int:
    """Runs, and returns the exit status."""
    from ultraref.protocol.run import run_protocol

    return run_protocol(
        args.protocol,
        steps=args.steps,
        folds=args.folds,
        sets=args.sets,
        sources=dict(_pair(word) for word in args.source),
        dry_run=args.dry_run,
        jobs=args.jobs,
        launcher=args.launcher,
        any_code=args.any_code,
    )


def _pair(word: str) -> tuple[str, str]:
    name, sign, folder = word.partition("=")
    if not sign:
        raise UserError(f"--source takes SET=FOLDER, but got {word!r}")
    return name, folder
