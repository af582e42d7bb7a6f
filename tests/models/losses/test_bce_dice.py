"""BCE plus Dice of candidates against NumPy and MONAI."""

import numpy as np
import pytest
import torch
from monai.losses import DiceLoss
from scipy.special import expit

from ultraref.models.losses import BCEDiceLoss


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.3, 2.0)])
@pytest.mark.parametrize("smooth", [1.0, 1e-3])
def test_value_is_the_formula(weights, smooth):
    rng = np.random.default_rng(0)
    logits, target = rng.normal(0, 3, (2, 3, 5, 5)), rng.random((2, 1, 5, 5))
    terms = []
    for i in range(2):
        for k in range(3):
            p, t = expit(logits[i, k]), target[i, 0]
            bce = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
            dice = (2 * np.sum(p * t) + smooth) / (np.sum(p) + np.sum(t) + smooth)
            terms.append(weights[0] * bce + weights[1] * (1 - dice))
    loss = BCEDiceLoss(*weights, smooth=smooth)(torch.from_numpy(logits), torch.from_numpy(target))
    assert loss.item() == pytest.approx(np.mean(terms), rel=1e-12)


def test_equals_monais_dice_of_each_candidate():
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 8, 8, dtype=torch.float64), torch.randint(0, 2, (2, 1, 8, 8))
    dice = DiceLoss(sigmoid=True, smooth_nr=1, smooth_dr=1)
    expected = torch.stack([dice(logits[:, k : k + 1], target) for k in range(3)]).mean()
    assert BCEDiceLoss(bce_weight=0)(logits, target).item() == pytest.approx(expected.item(), rel=1e-12)


def test_every_candidate_weighs_the_same():
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 4, 4), torch.rand(2, 1, 4, 4)
    alone = [BCEDiceLoss()(logits[:, k : k + 1], target) for k in range(3)]
    assert BCEDiceLoss()(logits, target).item() == pytest.approx(torch.stack(alone).mean().item(), rel=1e-6)


def test_empty_target():
    """An empty prediction costs nothing; sixteen pixels of p = 0.5 cost ln 2 and a Dice of 1 / (8 + 1)."""
    target = torch.zeros(1, 1, 4, 4)
    assert BCEDiceLoss()(torch.full((1, 1, 4, 4), -50.0), target).item() == pytest.approx(0, abs=1e-6)
    assert BCEDiceLoss()(torch.zeros(1, 1, 4, 4), target).item() == pytest.approx(np.log(2) + 1 - 1 / 9)
