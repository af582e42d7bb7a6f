"""The regression of the predicted IoU, and what IoU means for a fractional target."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ultraref.models.losses import IoURegressionLoss
from ultraref.models.losses.iou_regression import binary_iou


def test_value_is_the_formula():
    rng = np.random.default_rng(0)
    logits, iou, target = rng.normal(size=(2, 3, 6, 6)), rng.random((2, 3)), rng.integers(0, 2, (2, 1, 6, 6))
    errors = []
    for i in range(2):
        for k in range(3):
            mask, lesion = logits[i, k] > 0, target[i, 0] == 1
            errors.append((iou[i, k] - np.sum(mask & lesion) / np.sum(mask | lesion)) ** 2)
    loss = IoURegressionLoss()(*(torch.from_numpy(a) for a in (logits, iou, target)))
    assert loss.item() == pytest.approx(np.mean(errors), rel=1e-12)


def test_fractional_target_is_measured_by_area():
    """A mask 4 px wide, drawn on the half-size grid, against a lesion of columns 1 to 6 (area-resampled: 1/2 1 1 1/2).

    Mask of coarse columns 1 and 2 = fine columns 2 to 5: intersection 4 and union 6 fine columns, exactly what the
    fractions say: (1 + 1) / (1/2 + 1 + 1 + 1/2).
    """
    fine = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    fine[..., 1:7] = 1
    target = F.interpolate(fine, size=(4, 4), mode="area")
    logits = torch.full((1, 1, 4, 4), -1.0, dtype=torch.float64)
    logits[..., 1:3] = 1
    assert binary_iou(logits, target).item() == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("mask", "lesion", "expected"), [(False, False, 1.0), (True, False, 0.0), (False, True, 0.0), (True, True, 1.0)]
)
def test_empty_masks(mask, lesion, expected):
    logits = torch.full((1, 1, 4, 4), 1.0 if mask else -1.0)
    target = torch.full((1, 1, 4, 4), float(lesion))
    assert binary_iou(logits, target).item() == expected


def test_mask_logits_get_no_gradient():
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    iou = torch.rand(2, 3, requires_grad=True)
    IoURegressionLoss()(logits, iou, torch.rand(2, 1, 4, 4)).backward()
    assert logits.grad is None
    assert iou.grad.abs().sum() > 0
