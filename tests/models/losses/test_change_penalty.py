"""The penalty on changing a good coarse mask."""

import numpy as np
import pytest
import torch

from ultraref.models.losses import ChangePenalty


@pytest.mark.parametrize(("dice", "weight"), [(0.0, 0.0), (0.6, 0.0), (0.7, 0.25), (0.8, 0.5), (0.9, 0.75), (1.0, 1.0)])
def test_weight_grows_from_low_to_high(dice, weight):
    """A change of 0.5 everywhere: mean((q - p)^2) = 0.25, and 0.25 * 16 / (0.25 * 16) = 1 of the lesion."""
    coarse, sam = torch.full((1, 1, 4, 4), 0.25), torch.full((1, 1, 4, 4), 0.75)
    for per, change in (("frame", 0.25), ("lesion", 1.0)):
        loss = ChangePenalty(per=per)(sam, coarse, torch.tensor([dice]))
        assert loss.item() == pytest.approx(change * weight, abs=1e-6)


@pytest.mark.parametrize("side", [4, 8, 32])
def test_giving_a_lesion_up_costs_the_same_whatever_its_size(side):
    coarse = torch.zeros(1, 1, 64, 64)
    coarse[..., :side, :side] = 1
    loss = ChangePenalty()(torch.zeros_like(coarse), coarse, torch.ones(1))
    assert loss.item() == pytest.approx(1)
    doubled = torch.zeros_like(coarse)
    doubled[..., :side, : 2 * side] = 1
    assert ChangePenalty()(doubled, coarse, torch.ones(1)).item() == pytest.approx(1)


def test_no_mask_at_all_costs_nothing():
    nothing = torch.zeros(2, 1, 8, 8, requires_grad=True)
    loss = ChangePenalty()(nothing, torch.zeros(2, 1, 8, 8), torch.ones(2))
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(nothing.grad).all()


def test_value_is_the_formula():
    rng = np.random.default_rng(0)
    sam, coarse, dice = rng.random((4, 1, 5, 5)), rng.random((4, 1, 5, 5)), np.array([0.2, 0.5, 0.65, 0.95])
    weight = np.clip((dice - 0.3) / (0.7 - 0.3), 0, 1)
    expected = np.mean([np.mean((q - p) ** 2) * w for q, p, w in zip(sam, coarse, weight)])
    loss = ChangePenalty(low=0.3, high=0.7, per="frame")(*(torch.from_numpy(a) for a in (sam, coarse, dice)))
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_dice_is_a_constant():
    dice = torch.tensor([0.8], requires_grad=True)
    sam = torch.rand(1, 1, 4, 4, requires_grad=True)
    ChangePenalty()(sam, torch.rand(1, 1, 4, 4), dice).backward()
    assert dice.grad is None
    assert sam.grad.abs().sum() > 0


def test_another_unit_is_refused():
    with pytest.raises(ValueError, match="per is 'image'"):
        ChangePenalty(per="image")


@pytest.mark.parametrize(("low", "high"), [(0.6, 0.6), (0.9, 0.6), (-0.1, 0.5), (0.5, 1.1)])
def test_bounds_are_checked(low, high):
    with pytest.raises(ValueError, match=f"low={low} and high={high}"):
        ChangePenalty(low, high)
