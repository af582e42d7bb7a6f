"""Predictions of other tools, brought into the prediction store that phases 2 and 3 read."""

from ultraref.datasets.prediction_import.adopt_folds import adopt_folds
from ultraref.datasets.prediction_import.fill_store import ImportReport, import_predictions
from ultraref.datasets.prediction_import.name_matching import NameMatcher, read_names
from ultraref.datasets.prediction_import.nnunet_results import find_nnunet
from ultraref.datasets.prediction_import.nnunet_splits import NnunetSplits, write_nnunet_splits
from ultraref.datasets.prediction_import.source import ImportedPrediction, ImportSource
from ultraref.datasets.prediction_import.table import find_listed

__all__ = [
    "ImportReport",
    "ImportSource",
    "ImportedPrediction",
    "NameMatcher",
    "NnunetSplits",
    "adopt_folds",
    "find_listed",
    "find_nnunet",
    "import_predictions",
    "read_names",
    "write_nnunet_splits",
]
