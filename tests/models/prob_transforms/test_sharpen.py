import pytest
import torch

from ultraref.models.prob_transforms import ProbSharpen


@pytest.mark.parametrize("k", [1, 2, 4.5])
def test_multiplies_the_logit(k):
    prob = torch.linspace(0.02, 0.98, 33, dtype=torch.float64).view(1, 1, 3, 11)
    torch.testing.assert_close(torch.logit(ProbSharpen(k)(prob)), k * torch.logit(prob))


def test_ends_and_middle_stay():
    prob = torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 1, 3)
    assert ProbSharpen(3)(prob).flatten().tolist() == [0, 0.5, 1]


def test_gradient_is_finite_at_the_ends():
    prob = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).requires_grad_()
    for k, expected in ((1, 1), (1.5, 0), (3, 0)):
        (gradient,) = torch.autograd.grad(ProbSharpen(k)(prob).sum(), prob)
        assert gradient.flatten().tolist() == pytest.approx([expected, expected])


def test_gradcheck():
    prob = torch.linspace(0.05, 0.95, 8, dtype=torch.float64).view(1, 1, 2, 4).requires_grad_()
    assert torch.autograd.gradcheck(ProbSharpen(2.5), prob)


def test_wrong_argument_is_named():
    with pytest.raises(ValueError, match=r"k=0\.5"):
        ProbSharpen(0.5)
