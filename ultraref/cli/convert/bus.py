"""Converts the published BUS (BUSIS) archive: python tools/dataset_converters/bus.py SRC DST."""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, "bus")


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_bus

    return write_converted(find_bus(args.src), args)
