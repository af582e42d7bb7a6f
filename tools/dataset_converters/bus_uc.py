"""Converts the published BUS_UC archive: python tools/dataset_converters/bus_uc.py SRC DST."""

import sys

from ultraref.datasets.converters import find_bus_uc
from ultraref.datasets.converters.command_line import run_converter

if __name__ == "__main__":
    sys.exit(run_converter("bus_uc", find_bus_uc, __doc__))
