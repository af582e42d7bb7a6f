"""Converts COCO instances: python tools/dataset_converters/coco.py SRC DST [--annotations FILE.json] [--classes NAME ...]."""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted

OPTIONS = {
    "--annotations": {"metavar": "JSON", "help": "the COCO file (default: the only one below SRC)"},
    "--classes": {
        "nargs": "+",
        "metavar": "NAME",
        "help": "categories that are lesion, the others become background (default: the only one that occurs)",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, "coco", OPTIONS)


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_coco

    return write_converted(find_coco(args.src, args.annotations, args.classes), args)
