import pytest
import torch

from ultraref.models.gates import ConstantGate


def test_ends_are_exact_in_the_mixture():
    generator = torch.Generator().manual_seed(0)
    coarse, refined = (torch.rand(2, 1, 33, 17, generator=generator) for _ in range(2))
    assert torch.equal(torch.lerp(coarse, refined, ConstantGate(0)(coarse, refined)), coarse)
    assert torch.equal(torch.lerp(coarse, refined, ConstantGate(1)(coarse, refined)), refined)


def test_value_is_everywhere():
    gate = ConstantGate(0.3)(torch.rand(2, 1, 5, 4), torch.rand(2, 1, 5, 4))
    assert gate.shape == (2, 1, 5, 4)
    assert (gate == torch.tensor(0.3)).all()


def test_wrong_argument_is_named():
    with pytest.raises(ValueError, match=r"value=1\.2"):
        ConstantGate(1.2)
