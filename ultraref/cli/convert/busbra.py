"""Converts the published BUS-BRA archive: python tools/dataset_converters/busbra.py SRC DST [--official-folds 5]."""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted
from ultraref.defaults import OFFICIAL_FOLDS

OPTIONS = {
    "--official-folds": {
        "type": int,
        "choices": OFFICIAL_FOLDS,
        "help": "take the published folds; they leave no test set",
    }
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, "busbra", OPTIONS)


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_busbra

    return write_converted(find_busbra(args.src, args.official_folds), args)
