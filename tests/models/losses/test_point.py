"""Losses of points, by hand."""

import math

import pytest
import torch

from ultraref.models.losses import PointCoordinateLoss, PointLabelLoss


def test_coordinates_by_hand():
    points, target = torch.tensor([[[0.1, 0.5]], [[0.9, 0.9]]]), torch.tensor([[[0.0, 0.0]], [[0.0, 0.0]]])
    valid = torch.tensor([True, False])
    # beta 0.2: 0.1 lies in the parabola, 0.5 on the line; the second sample counts as 0.
    expected = ((0.1**2 / 0.4 + (0.5 - 0.1)) / 2 + 0) / 2
    assert PointCoordinateLoss(beta=0.2)(points, target, valid).item() == pytest.approx(expected)
    assert PointCoordinateLoss()(points, target, valid).item() == pytest.approx((0.01 / 2 + 0.25 / 2) / 2 / 2)


def test_labels_by_hand():
    logits, target = torch.tensor([[0.0, math.log(3)], [9.0, 9.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    # Probabilities 1/2 and 3/4.
    expected = (math.log(2) + math.log(4)) / 2 / 2
    assert PointLabelLoss()(logits, target, torch.tensor([1.0, 0.0])).item() == pytest.approx(expected)


def test_beta_is_checked():
    with pytest.raises(ValueError, match="beta is 0"):
        PointCoordinateLoss(beta=0)
