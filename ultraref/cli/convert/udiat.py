"""Converts the published UDIAT archive ("Dataset B") for testing: python tools/dataset_converters/udiat.py SRC DST."""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, "udiat", test_percent=100)


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_bus

    return write_converted(find_bus(args.src), args)
