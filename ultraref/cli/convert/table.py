"""Converts what a table lists, with columns image, mask and any others: python tools/dataset_converters/table.py TABLE.csv DST."""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted
from ultraref.cli.convert.lesion_arguments import DRY_RUN, MASK_OPTIONS, lesion_choice, preview

OPTIONS = {
    "--root": {"metavar": "FOLDER", "help": "what the table's paths are relative to (default: the table's folder)"},
    **MASK_OPTIONS,
    **DRY_RUN,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, None, OPTIONS, src_help="CSV file with a header")


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_table

    found = find_table(args.src, args.root, lesion_choice(args))
    return preview(found) if args.dry_run else write_converted(found, args)
