import math

import pytest
import torch

from ultraref.errors import UserError
from ultraref.models.losses import QualityLoss


def test_by_hand():
    """Errors of Dice 0.1 and -0.2; harm was given 0.25 and came."""
    quality, target = (torch.tensor([row], dtype=torch.float64) for row in ([0.8, 0.5, 0.25], [0.7, 0.7, 1.0]))
    assert QualityLoss(harm_weight=2.0)(quality, target).item() == pytest.approx(0.01 + 0.04 + 2 * math.log(4))
    assert QualityLoss(harm_weight=0.0)(quality, target).item() == pytest.approx(0.05)


def test_a_negative_weight_is_named():
    with pytest.raises(UserError, match="harm_weight=-1"):
        QualityLoss(harm_weight=-1)
