"""Converts the published BUSI archive: python tools/dataset_converters/busi.py SRC DST."""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, "busi")


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_busi

    return write_converted(find_busi(args.src), args)
