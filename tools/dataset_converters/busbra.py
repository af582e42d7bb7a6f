"""Converts the published BUS-BRA archive: python tools/dataset_converters/busbra.py SRC DST [--official-folds 5]."""

import sys

from ultraref.datasets.converters import find_busbra
from ultraref.datasets.converters.busbra import OFFICIAL_FOLDS
from ultraref.datasets.converters.command_line import run_converter

OPTIONS = {
    "--official-folds": {
        "type": int,
        "choices": OFFICIAL_FOLDS,
        "help": "take the published folds; they leave no test set",
    }
}

if __name__ == "__main__":
    sys.exit(run_converter("busbra", find_busbra, __doc__, options=OPTIONS))
