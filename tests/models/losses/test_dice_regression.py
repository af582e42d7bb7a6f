import pytest
import torch

from ultraref.errors import UserError
from ultraref.models.losses import DiceRegressionLoss


def test_by_hand():
    """Errors 0.1 and -0.2, so that the difference is off by -0.3."""
    dice, target = torch.tensor([[0.8, 0.5]], dtype=torch.float64), torch.tensor([[0.7, 0.7]], dtype=torch.float64)
    assert DiceRegressionLoss(gain_weight=2.0)(dice, target).item() == pytest.approx(0.01 + 0.04 + 2 * 0.09)
    assert DiceRegressionLoss(gain_weight=0.0)(dice, target).item() == pytest.approx(0.05)


def test_a_common_error_costs_no_difference():
    target = torch.rand(4, 2, dtype=torch.float64)
    assert DiceRegressionLoss(gain_weight=100.0)(target + 0.1, target).item() == pytest.approx(0.02)


def test_a_negative_weight_is_named():
    with pytest.raises(UserError, match="gain_weight=-1"):
        DiceRegressionLoss(gain_weight=-1)
