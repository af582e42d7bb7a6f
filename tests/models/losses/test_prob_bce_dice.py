"""BCE plus Dice of probabilities, which may be exactly 0 or 1."""

import math

import numpy as np
import pytest
import torch

from ultraref.models.losses import CandidateMaskLoss, ProbBCEDiceLoss


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0)])
def test_value_is_the_formula(weights):
    rng = np.random.default_rng(0)
    prob, target = rng.random((2, 1, 5, 5)), rng.random((2, 1, 5, 5))
    prob[:, :, 0], prob[:, :, 1] = 0, 1
    expected = []
    for p, t in zip(prob, target):
        c = np.clip(p, 1e-6, 1 - 1e-6)
        bce = -np.mean(t * np.log(c) + (1 - t) * np.log(1 - c))
        expected.append(weights[0] * bce + weights[1] * (1 - (2 * np.sum(p * t) + 1) / (np.sum(p) + np.sum(t) + 1)))
    loss = ProbBCEDiceLoss(*weights)(torch.from_numpy(prob), torch.from_numpy(target))
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-12)


def test_equals_the_loss_of_the_logits():
    torch.manual_seed(0)
    logits, target = torch.randn(2, 1, 6, 6, dtype=torch.float64), torch.rand(2, 1, 6, 6)
    expected = CandidateMaskLoss()(logits, target)
    assert ProbBCEDiceLoss()(logits.sigmoid(), target).item() == pytest.approx(expected.item(), rel=1e-9)


def test_pasted_zero_over_a_lesion_costs_a_bounded_amount():
    """p = 0 on all 16 lesion pixels: BCE = -ln(1e-6), Dice = 1 / 17, and a gradient from Dice alone."""
    prob = torch.zeros(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    loss = ProbBCEDiceLoss()(prob, torch.ones(1, 1, 4, 4))
    loss.backward()
    assert loss.item() == pytest.approx(6 * math.log(10) + 16 / 17)
    # d/dp of (2 sum(p) + 1) / (sum(p) + 17) at p = 0 is (2 * 17 - 1) / 17^2.
    assert torch.allclose(prob.grad, torch.full_like(prob, -33 / 289))


def test_clamp_is_inside_the_range_of_float32():
    """1 - 1e-6 is not 1 in float32, so that a certain wrong pixel stays finite."""
    loss = ProbBCEDiceLoss(dice_weight=0)(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    assert loss.item() == pytest.approx(6 * math.log(10), rel=0.01)
