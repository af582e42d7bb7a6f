"""Looks for leaks in converted sets: python tools/audit_leakage.py DATA... [--out FOLDER].

Writes FOLDER/audit.json, contact_sheet.png, pairs.csv, scatter.png and exclude.json, the manifest that a data set's `exclude`
takes. The exit status is 1 if a split surely leaks, 2 if the audit failed.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ultraref.defaults import CANDIDATE_DISTANCE, CORRELATION, DUPLICATE_DISTANCE

if TYPE_CHECKING:
    from rich.console import Console

    from ultraref.datasets.audit import Audit

LISTED = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("data", nargs="+", help="converted sets")
    parser.add_argument("--out", default="work_dirs/audit", help="folder to write (default: %(default)s)")
    parser.add_argument(
        "--distance",
        type=int,
        default=CANDIDATE_DISTANCE,
        help="candidates differ in at most so many of 256 hash bits (default: %(default)s)",
    )
    parser.add_argument(
        "--correlation",
        type=float,
        default=CORRELATION,
        help="a candidate is confirmed from this correlation after registration on, if it is sure as well (default: %(default)s)",
    )
    parser.add_argument(
        "--verdicts",
        metavar="FILE",
        help="pairs.csv of an earlier audit with verdicts, which stand above the rules",
    )
    parser.add_argument("--strict", action="store_true", help="exit status 1 for possible leaks as well")
    parser.add_argument("--pairs", type=int, default=60, help="pairs on the contact sheet (default: %(default)s)")


def main(args: argparse.Namespace) -> int:
    """Audits, writes and prints what was found, and returns the exit status."""
    from rich.console import Console
    from rich.progress import track

    from ultraref.apis.output_folder import check_writable
    from ultraref.atomic import atomic_file
    from ultraref.datasets.audit import audit, draw_scatter, pair_sheet
    from ultraref.datasets.image_io import encode_rgb_png
    from ultraref.datasets.judged_pairs import PAIRS_NAME, JudgedPairs

    check_writable(args.out, "--out")
    outcome = audit(
        args.data,
        args.distance,
        args.correlation,
        None if args.verdicts is None else JudgedPairs.read(args.verdicts),
        lambda items, text: track(list(items), description=text),
    )
    out = Path(args.out)
    exclusions = outcome.exclusions()
    for name, content in (("audit.json", outcome), ("exclude.json", exclusions)):
        with atomic_file(out / name, "w") as file:
            file.write(content.to_json())
    with atomic_file(out / "contact_sheet.png") as file:
        file.write(encode_rgb_png(pair_sheet(outcome.images, outcome.ranked[: args.pairs])))
    with atomic_file(out / PAIRS_NAME, "w") as file:
        file.write(outcome.to_csv(args.pairs))
    with atomic_file(out / "scatter.png") as file:
        draw_scatter(outcome, DUPLICATE_DISTANCE).savefig(file, format="png", dpi=110)
    _print_outcome(outcome, Console())
    possible = outcome.possible_leaks
    left_out = sum(map(len, exclusions.reasons.values()))
    print(
        f"{len(outcome.leaks)} pairs and {len(outcome.split_patients)} patients leak; {out / 'exclude.json'} leaves out "
        f"{left_out} images; pairs in {out / 'contact_sheet.png'}, all numbers in {out / 'audit.json'}"
    )
    if possible:
        print(
            f"{len(possible)} more pairs may leak: look at them in {out / 'contact_sheet.png'}, write accepted or rejected into "
            f"{out / PAIRS_NAME}, and give it to the converter (--pairs) or to the next audit (--verdicts)"
        )
    return 1 if outcome.is_leaking or (args.strict and possible) else 0


def _print_outcome(outcome: "Audit", console: "Console") -> None:
    """Prints the table of counts, and the first leaks."""
    from rich.table import Table

    table = Table(title=f"{len(outcome.images)} images of {len(outcome.splits)} sets: pairs")
    counts = outcome.counts()
    for heading in ("", *next(iter(counts.values()))):
        table.add_column(heading, justify="right" if heading else "left")
    for kind, row in counts.items():
        table.add_row(kind, *map(str, row.values()))
    console.print(table)
    for pair in outcome.leaks[:LISTED]:
        first, second = outcome.images[pair.first], outcome.images[pair.second]
        console.print(
            f"leak: {first.dataset}/{first.name} ({first.part}) and {second.dataset}/{second.name} ({second.part}), "
            f"{pair.distance} bits, correlation {pair.correlation:.2f}" + (f", {pair.flip}" if pair.flip else ""),
            soft_wrap=True,
        )
    for (dataset, patient), members in list(outcome.split_patients.items())[:LISTED]:
        parts = sorted({outcome.images[i].part for i in members})
        console.print(f"leak: patient {patient} of {dataset} is in {', '.join(parts)}", soft_wrap=True)
    for splits in outcome.splits.values():
        console.print(f"{splits.dataset}: {'' if splits.grouped else 'UNGROUPED, '}{splits.grouping}", soft_wrap=True)
