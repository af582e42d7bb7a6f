"""CE plus Dice against NumPy and MONAI."""

import numpy as np
import pytest
import torch
from monai.losses import DiceLoss
from scipy.special import softmax

from ultraref.models.losses import CEDiceLoss


@pytest.mark.parametrize("weights", [(0.5, 0.5), (1.0, 0.0), (0.0, 1.0), (0.2, 3.0)])
def test_value_is_the_formula(weights):
    rng = np.random.default_rng(0)
    logits, target = rng.normal(0, 3, (2, 2, 5, 7)), rng.random((2, 1, 5, 7))
    p = softmax(logits, axis=1)[:, 1]
    t = target[:, 0]
    expected = 0
    for i in range(2):
        ce = -np.mean(t[i] * np.log(p[i]) + (1 - t[i]) * np.log(1 - p[i]))
        dice = (2 * np.sum(p[i] * t[i]) + 1) / (np.sum(p[i]) + np.sum(t[i]) + 1)
        expected += (weights[0] * ce + weights[1] * (1 - dice)) / 2
    loss = CEDiceLoss(*weights)(torch.from_numpy(logits), torch.from_numpy(target))
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_equals_torchs_cross_entropy_and_monais_dice_on_a_binary_target():
    torch.manual_seed(0)
    logits, target = torch.randn(3, 2, 8, 8, dtype=torch.float64), torch.randint(0, 2, (3, 1, 8, 8))
    ce = torch.nn.functional.cross_entropy(logits, target[:, 0])
    dice = DiceLoss(smooth_nr=1, smooth_dr=1)(logits.softmax(1)[:, 1:], target)
    assert CEDiceLoss()(logits, target).item() == pytest.approx((0.5 * ce + 0.5 * dice).item(), rel=1e-12)


def test_empty_target_is_satisfied_by_an_empty_prediction():
    logits = torch.zeros(1, 2, 4, 4)
    logits[:, 0] = 50
    target = torch.zeros(1, 1, 4, 4)
    assert CEDiceLoss()(logits, target).item() == pytest.approx(0, abs=1e-6)
    # All 16 pixels called lesion: Dice = 1 / (16 + 1).
    assert CEDiceLoss(0, 1)(-logits, target).item() == pytest.approx(1 - 1 / 17)
