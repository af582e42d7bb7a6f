"""Converts the published BUSI archive: python tools/dataset_converters/busi.py SRC DST."""

import sys

from ultraref.datasets.converters import find_busi
from ultraref.datasets.converters.command_line import run_converter

if __name__ == "__main__":
    sys.exit(run_converter("busi", find_busi, __doc__))
