"""The measures of `RefinementMetric`, one a file."""

from ultraref.evaluation.metrics.base import BaseMeasure
from ultraref.evaluation.metrics.calibration import CalibrationMeasure
from ultraref.evaluation.metrics.changes import CHANGE, LARGE_CHANGE, ChangeMeasure, case_changes
from ultraref.evaluation.metrics.consistency import ConsistencyMeasure
from ultraref.evaluation.metrics.lesions import LesionMeasure
from ultraref.evaluation.metrics.opinion import OpinionMeasure
from ultraref.evaluation.metrics.overlap import OverlapMeasure, overlap_metrics
from ultraref.evaluation.metrics.predicted_dice import PredictedDiceMeasure, helped_before_harmed
from ultraref.evaluation.metrics.quality import QualityMeasure
from ultraref.evaluation.metrics.surface import SurfaceMeasure, surface_metrics

__all__ = [
    "CHANGE",
    "LARGE_CHANGE",
    "BaseMeasure",
    "CalibrationMeasure",
    "ChangeMeasure",
    "ConsistencyMeasure",
    "LesionMeasure",
    "OpinionMeasure",
    "OverlapMeasure",
    "PredictedDiceMeasure",
    "QualityMeasure",
    "SurfaceMeasure",
    "case_changes",
    "helped_before_harmed",
    "overlap_metrics",
    "surface_metrics",
]
