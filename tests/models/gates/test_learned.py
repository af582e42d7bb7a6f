import pytest
import torch

from ultraref.models.gates import LearnedGate


def probs(seed=0, size=24):
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(2, 1, size, size, generator=generator) for _ in range(2)]


def test_starts_close_to_the_coarse_mask():
    torch.manual_seed(0)
    gate = LearnedGate()(*probs())
    # sigmoid(-2) = 1 / (1 + e^2) = 0.1192
    assert gate.mean().item() == pytest.approx(0.1192, abs=0.005)
    assert gate.std() < 0.01


def test_layers_are_the_references():
    shapes = [tuple(p.shape) for name, p in LearnedGate().named_parameters() if name.endswith("weight")]
    assert shapes == [(32, 3, 3, 3), (32, 32, 3, 3), (1, 32, 1, 1)]


@pytest.mark.parametrize("which", [0, 1])
def test_sees_coarse_and_refined(which):
    torch.manual_seed(0)
    gate, inputs = LearnedGate(), probs()
    inputs[which].requires_grad_()
    (gradient,) = torch.autograd.grad(gate(*inputs).sum(), inputs[which])
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


def test_learns_where_to_open():
    torch.manual_seed(0)
    gate, (coarse, refined) = LearnedGate(), probs()
    target = (refined > 0.5).float()
    optimizer = torch.optim.Adam(gate.parameters(), lr=1e-2)
    for _ in range(80):
        loss = torch.nn.functional.binary_cross_entropy(gate(coarse, refined), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert ((gate(coarse, refined) > 0.5) == (target > 0.5)).float().mean() > 0.9


def test_image_features_come_in_at_their_own_resolution():
    torch.manual_seed(0)
    gate, inputs = LearnedGate(feature_channels=16), probs()
    features = torch.rand(2, 16, 6, 6, requires_grad=True)
    result = gate(*inputs, features)
    assert result.shape == (2, 1, 24, 24)
    (gradient,) = torch.autograd.grad(result.sum(), features)
    assert gradient.abs().max() > 0


def test_missing_or_other_features_are_refused():
    gate = LearnedGate(feature_channels=16)
    with pytest.raises(ValueError, match="16 feature channels, but was given none"):
        gate(*probs())
    with pytest.raises(ValueError, match="was given 4"):
        gate(*probs(), torch.rand(2, 4, 6, 6))


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="channels=0"):
        LearnedGate(0)
