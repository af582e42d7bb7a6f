"""Converts the published BUS-UCLM archive: python tools/dataset_converters/bus_uclm.py SRC DST."""

import sys

from ultraref.datasets.converters import find_bus_uclm
from ultraref.datasets.converters.command_line import run_converter

if __name__ == "__main__":
    sys.exit(run_converter("bus_uclm", find_bus_uclm, __doc__))
