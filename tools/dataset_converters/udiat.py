"""Converts the published UDIAT archive ("Dataset B") for testing: python tools/dataset_converters/udiat.py SRC DST."""

import sys

from ultraref.datasets.converters import find_bus
from ultraref.datasets.converters.command_line import run_converter

if __name__ == "__main__":
    sys.exit(run_converter("udiat", find_bus, __doc__, test_percent=100))
