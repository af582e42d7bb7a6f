"""Converts the published BUS_UC archive: python tools/dataset_converters/bus_uc.py SRC DST."""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, "bus_uc")


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_bus_uc

    return write_converted(find_bus_uc(args.src), args)
