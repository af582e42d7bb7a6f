"""The refined mask's logits against the probability, and their gradient where SAM is sure and wrong."""

import math

import pytest
import torch

from ultraref.models.losses import BCEDiceLoss
from ultraref.models.refined_logits import refined_logits


def rand(*shape):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape) + shape[-1]))


@pytest.mark.parametrize("gate", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("with_logits", [True, False])
def test_is_the_logit_of_the_mixture(gate, with_logits):
    p, q = rand(2, 1, 4, 4), rand(2, 1, 4, 5)[..., :4]
    g = torch.full_like(p, gate)
    logits = (q.logit(), torch.ones_like(q, dtype=torch.bool)) if with_logits else ()
    assert torch.allclose(refined_logits(p, q, g, *logits).sigmoid(), torch.lerp(p, q, g), rtol=1e-9)


@pytest.mark.parametrize("logit", [-100.0, -14.0, 14.0, 100.0])
def test_a_sure_and_wrong_sam_gets_the_whole_gradient(logit):
    """The gradient of BCE on a logit z is (sigmoid(z) - t) / N: here +-1 / 4, in float32, whatever p is."""
    z = torch.full((1, 1, 2, 2), logit, requires_grad=True)
    target = torch.full((1, 1, 2, 2), float(logit < 0))
    p, everywhere = torch.rand(1, 1, 2, 2), torch.ones(1, 1, 2, 2, dtype=torch.bool)
    refined = refined_logits(p, z.sigmoid(), torch.ones(1, 1, 1, 1), z, everywhere)
    BCEDiceLoss(dice_weight=0)(refined, target).backward()
    assert torch.allclose(z.grad, torch.full_like(z, math.copysign(0.25, logit)), rtol=1e-5)


def test_without_logits_the_probability_is_clamped():
    """Pasted zeros over a lesion: a loss of -ln(1e-6), and no gradient."""
    q = torch.zeros(1, 1, 2, 2, requires_grad=True)
    logits, nowhere = torch.full((1, 1, 2, 2), 50.0), torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    refined = refined_logits(torch.rand(1, 1, 2, 2), q, torch.ones(1, 1, 2, 2), logits, nowhere)
    loss = BCEDiceLoss(dice_weight=0)(refined, torch.ones(1, 1, 2, 2))
    loss.backward()
    assert loss.item() == pytest.approx(6 * math.log(10), rel=1e-5)
    assert not q.grad.any()


def test_gradients_are_the_derivatives():
    p, z, g = rand(1, 1, 3, 3), 6 * rand(1, 1, 3, 4)[..., :3] - 3, rand(1, 1, 3, 5)[..., :3] * 0.9 + 0.05
    inside = torch.rand(1, 1, 3, 3) > 0.5
    inputs = [value.clone().requires_grad_() for value in (p, z, g)]
    assert torch.autograd.gradcheck(lambda p, z, g: refined_logits(p, z.sigmoid(), g, z, inside), inputs)


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("q", [0.0, 1.0])
@pytest.mark.parametrize("g", [0.0, 1e-5, 0.5, 1 - 1e-5, 1.0])
def test_gradients_are_finite_and_bounded_at_every_end(p, q, g):
    inputs = [torch.full((1, 1, 2, 2), value, requires_grad=True) for value in (p, q, g)]
    refined_logits(*inputs).sum().backward()
    assert all(value.grad.abs().max() <= 2e6 for value in inputs)
