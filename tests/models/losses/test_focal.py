"""Focal loss, alone and with Dice, against the paper's formula and MONAI."""

import numpy as np
import pytest
import torch
from monai.losses import FocalLoss as MonaiFocalLoss
from scipy.special import expit

from ultraref.models.losses import BCEDiceLoss, FocalDiceLoss, FocalLoss


@pytest.mark.parametrize("alpha", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_value_is_the_papers_formula_on_a_binary_target(alpha, gamma):
    """FL = -alpha_t (1 - p_t)^gamma log(p_t), equations 4 and 5."""
    rng = np.random.default_rng(0)
    logits, target = rng.normal(0, 2, (2, 3, 5, 5)), rng.integers(0, 2, (2, 1, 5, 5)).astype(float)
    p, t = expit(logits), np.broadcast_to(target, logits.shape)
    p_t, alpha_t = np.where(t == 1, p, 1 - p), np.where(t == 1, alpha, 1 - alpha)
    expected = np.mean(-alpha_t * (1 - p_t) ** gamma * np.log(p_t))
    loss = FocalLoss(alpha, gamma)(torch.from_numpy(logits), torch.from_numpy(target))
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_equals_monais():
    torch.manual_seed(0)
    logits, target = torch.randn(2, 1, 6, 6, dtype=torch.float64), torch.randint(0, 2, (2, 1, 6, 6))
    expected = MonaiFocalLoss(alpha=0.25, gamma=2.0)(logits, target)
    assert FocalLoss()(logits, target).item() == pytest.approx(expected.item(), rel=1e-6)


def test_fractional_target_mixes_the_two_kinds_of_pixel():
    logits = torch.randn(1, 1, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    lesion, background = FocalLoss()(logits, torch.ones(1, 1, 3, 3)), FocalLoss()(logits, torch.zeros(1, 1, 3, 3))
    mixed = FocalLoss()(logits, torch.full((1, 1, 3, 3), 0.25, dtype=torch.float64))
    assert mixed.item() == pytest.approx((0.25 * lesion + 0.75 * background).item(), rel=1e-12)


def test_without_focus_it_is_half_the_bce():
    logits, target = torch.randn(2, 3, 4, 4), torch.rand(2, 1, 4, 4)
    bce = BCEDiceLoss(dice_weight=0)(logits, target)
    assert FocalLoss(alpha=0.5, gamma=0)(logits, target).item() == pytest.approx(bce.item() / 2, rel=1e-5)


def test_gradient_is_finite_for_a_root_at_underflow():
    """gamma < 1 is a root, whose slope at 0 is infinite; sigmoid(-200) is 0 in float32."""
    logits = torch.full((1, 1, 2, 2), -200.0, requires_grad=True)
    FocalLoss(gamma=0.5)(logits, torch.zeros(1, 1, 2, 2)).backward()
    assert logits.grad.isfinite().all()


def test_focal_dice_is_the_weighted_sum():
    logits, target = torch.randn(2, 3, 4, 4), torch.rand(2, 1, 4, 4)
    expected = 20 * FocalLoss(0.3, 1.5)(logits, target) + 2 * BCEDiceLoss(bce_weight=0)(logits, target)
    loss = FocalDiceLoss(20, 2, alpha=0.3, gamma=1.5)(logits, target)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(("alpha", "gamma"), [(-0.1, 2), (1.1, 2), (0.25, -1)])
def test_parameters_are_checked(alpha, gamma):
    with pytest.raises(ValueError, match="alpha in"):
        FocalLoss(alpha, gamma)
