"""Losses. Each takes tensors by the names of its `forward`, and returns a scalar."""

from ultraref.models.losses.bce_dice import BCEDiceLoss
from ultraref.models.losses.ce_dice import CEDiceLoss
from ultraref.models.losses.change_penalty import ChangePenalty
from ultraref.models.losses.focal import FocalDiceLoss, FocalLoss
from ultraref.models.losses.iou_regression import IoURegressionLoss
from ultraref.models.losses.point import PointCoordinateLoss, PointLabelLoss
from ultraref.models.losses.quality import QualityLoss

__all__ = [
    "BCEDiceLoss",
    "CEDiceLoss",
    "ChangePenalty",
    "FocalDiceLoss",
    "FocalLoss",
    "IoURegressionLoss",
    "PointCoordinateLoss",
    "PointLabelLoss",
    "QualityLoss",
]
