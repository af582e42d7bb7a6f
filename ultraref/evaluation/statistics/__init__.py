"""Statistics over images, patients, sets and runs."""

from ultraref.evaluation.statistics.bootstrap import bootstrap_mean_ci, bootstrap_means, percentile_interval
from ultraref.evaluation.statistics.cluster import IMAGE, Resampling, group_means, resampling_of
from ultraref.evaluation.statistics.conformal import ConformalThreshold, conformal_threshold
from ultraref.evaluation.statistics.non_inferiority import NonInferiority, non_inferiority
from ultraref.evaluation.statistics.paired import PairedTest, holm, paired_wilcoxon
from ultraref.evaluation.statistics.spread import Spread, macro_mean, spread_over

__all__ = [
    "IMAGE",
    "ConformalThreshold",
    "NonInferiority",
    "PairedTest",
    "Resampling",
    "Spread",
    "bootstrap_mean_ci",
    "bootstrap_means",
    "conformal_threshold",
    "group_means",
    "holm",
    "macro_mean",
    "non_inferiority",
    "paired_wilcoxon",
    "percentile_interval",
    "resampling_of",
    "spread_over",
]
