"""What predicts how good a mask is, without the truth."""

from ultraref.models.quality.base import COARSE, HARM, HARMED_BY, SAM_MASK, BaseQualityHead, CaseEvidence, mean_quality
from ultraref.models.quality.case_features import SCALARS, case_scalars, pooled_features
from ultraref.models.quality.quality_head import QualityHead

__all__ = [
    "COARSE",
    "HARM",
    "HARMED_BY",
    "SAM_MASK",
    "SCALARS",
    "BaseQualityHead",
    "CaseEvidence",
    "QualityHead",
    "case_scalars",
    "mean_quality",
    "pooled_features",
]
