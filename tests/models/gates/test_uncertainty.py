import pytest
import torch

from ultraref.models.gates import UncertaintyGate


def gate_at(prob, **options):
    coarse = torch.tensor(prob, dtype=torch.float64).view(1, 1, 1, -1)
    return UncertaintyGate(**options)(coarse, torch.zeros_like(coarse)).flatten().tolist()


def test_the_references_table():
    # Reference of UltraRefiner, table of section 2.5.1: gamma 1, gate_max 0.8.
    assert gate_at([0.0, 0.2, 0.5, 0.8, 1.0]) == pytest.approx([0.0, 0.32, 0.8, 0.32, 0.0])


def test_gamma_and_limits_enter_by_the_formula():
    # |2 * 0.2 - 1| = 0.6; uncertainties 1 - 0.6**2 = 0.64 and 1 - 0.6**0.5.
    assert gate_at([0.2], gamma=2, gate_max=1) == pytest.approx([0.64])
    assert gate_at([0.2], gamma=0.5, gate_max=1) == pytest.approx([1 - 0.6**0.5])
    assert gate_at([0.0, 0.2, 0.5], gate_min=0.1, gate_max=0.6) == pytest.approx([0.1, 0.1 + 0.5 * 0.4, 0.6])


@pytest.mark.parametrize("gamma", [0.25, 0.5, 1, 2, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_at_both_ends_and_in_the_middle(gamma, dtype):
    coarse = torch.tensor([0, 0.5, 1], dtype=dtype).view(1, 1, 1, 3).requires_grad_()
    (gradient,) = torch.autograd.grad(UncertaintyGate(gamma, gate_max=1)(coarse, coarse).sum(), coarse)
    # d(1 - |2p - 1|^gamma)/dp = -+ 2 gamma at the ends; 0 is taken in the middle.
    assert gradient.flatten().tolist() == pytest.approx([2 * gamma, 0, -2 * gamma])


def test_gradients_stay_bounded_next_to_the_middle():
    coarse = (0.5 + torch.linspace(-1e-5, 1e-5, 2001, dtype=torch.float64)).view(1, 1, 1, -1).requires_grad_()
    (gradient,) = torch.autograd.grad(UncertaintyGate(0.25, gate_max=1)(coarse, coarse).sum(), coarse)
    assert gradient.abs().max() <= 2 * 0.25 * 1e-6**-0.75


@pytest.mark.parametrize("gamma", [0.25, 1, 3])
def test_gradcheck(gamma):
    coarse = torch.tensor([0.05, 0.3, 0.45, 0.7, 0.98], dtype=torch.float64).view(1, 1, 1, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: UncertaintyGate(gamma)(p, p.detach()), coarse)


@pytest.mark.parametrize(
    "options", [{"gamma": 0}, {"gate_min": -0.1}, {"gate_max": 1.5}, {"gate_min": 0.9, "gate_max": 0.5}]
)
def test_wrong_arguments_are_named(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        UncertaintyGate(**options)
