"""Converts the published BUS (BUSIS) archive: python tools/dataset_converters/bus.py SRC DST."""

import sys

from ultraref.datasets.converters import find_bus
from ultraref.datasets.converters.command_line import run_converter

if __name__ == "__main__":
    sys.exit(run_converter("bus", find_bus, __doc__))
