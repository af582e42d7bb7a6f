"""Metrics and statistics."""

from ultraref.evaluation.member_metric import MemberMetric
from ultraref.evaluation.metrics import BaseMeasure, overlap_metrics
from ultraref.evaluation.refinement_metric import RefinementMetric
from ultraref.evaluation.statistics import bootstrap_mean_ci
from ultraref.evaluation.table import OVERLAP_NAMES, refinement_table

__all__ = [
    "OVERLAP_NAMES",
    "BaseMeasure",
    "MemberMetric",
    "RefinementMetric",
    "bootstrap_mean_ci",
    "overlap_metrics",
    "refinement_table",
]
