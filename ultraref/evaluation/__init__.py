"""Metrics and statistics."""

from ultraref.evaluation.overlap import OVERLAP_NAMES, overlap_metrics
from ultraref.evaluation.refinement_metric import RefinementMetric
from ultraref.evaluation.statistics import bootstrap_mean_ci
from ultraref.evaluation.table import refinement_table

__all__ = ["OVERLAP_NAMES", "RefinementMetric", "bootstrap_mean_ci", "overlap_metrics", "refinement_table"]
