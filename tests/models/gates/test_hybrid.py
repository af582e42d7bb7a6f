import pytest
import torch

from ultraref.models.gates import HybridGate, LearnedGate, UncertaintyGate


def test_is_the_product_of_its_factors():
    torch.manual_seed(0)
    gate = HybridGate({"type": "UncertaintyGate", "gate_max": 0.5}, {"type": "LearnedGate", "channels": 8})
    coarse, refined = torch.rand(2, 1, 12, 12), torch.rand(2, 1, 12, 12)
    expected = UncertaintyGate(gate_max=0.5)(coarse, refined) * gate.learned(coarse, refined)
    assert torch.equal(gate(coarse, refined), expected)
    assert isinstance(gate.learned, LearnedGate)


def test_is_closed_where_the_coarse_mask_is_certain():
    coarse = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    assert HybridGate()(coarse, 1 - coarse).flatten().tolist() == [0, 0]


def test_hands_features_on():
    gate = HybridGate(learned={"type": "LearnedGate", "feature_channels": 4})
    assert gate.feature_channels == 4
    coarse = torch.rand(1, 1, 8, 8)
    assert gate(coarse, coarse, torch.rand(1, 4, 2, 2)).shape == (1, 1, 8, 8)


def test_factors_can_not_read_different_features():
    with pytest.raises(ValueError, match=r"\[4, 6\]"):
        HybridGate({"type": "LearnedGate", "feature_channels": 4}, {"type": "LearnedGate", "feature_channels": 6})
