"""Converts COCO instances: python tools/dataset_converters/coco.py SRC DST [--annotations FILE.json]."""

import sys

from ultraref.datasets.converters import find_coco
from ultraref.datasets.converters.command_line import run_converter

OPTIONS = {"--annotations": {"metavar": "JSON", "help": "the COCO file (default: the only one below SRC)"}}

if __name__ == "__main__":
    sys.exit(run_converter("coco", find_coco, __doc__, options=OPTIONS))
