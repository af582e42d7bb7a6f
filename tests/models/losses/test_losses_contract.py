"""What every registered loss promises: a finite scalar, per sample then mean, precision, gradients, shape checks."""

import inspect

import pytest
import torch

from ultraref.registry import LOSSES

B, K, SIZE = 3, 2, 6


def logits(channels):
    return lambda: torch.randn(B, channels, SIZE, SIZE, dtype=torch.float64) * 3


def uniform(*shape):
    return lambda: torch.rand(B, *shape, dtype=torch.float64) * 0.98 + 0.01


TARGET = uniform(1, SIZE, SIZE)
PROB = uniform(1, SIZE, SIZE)

# How to draw each argument of each loss. A new loss is tested as soon as it stands here.
ARGUMENTS = {
    "CEDiceLoss": {"logits": logits(2), "target": TARGET},
    "BCEDiceLoss": {"logits": logits(K), "target": TARGET},
    "FocalLoss": {"logits": logits(K), "target": TARGET},
    "FocalDiceLoss": {"logits": logits(K), "target": TARGET},
    "IoURegressionLoss": {"logits": logits(K), "iou": uniform(K), "target": TARGET},
    "QualityLoss": {"quality": uniform(3), "target": uniform(3)},
    "PointCoordinateLoss": {"points": uniform(7, 2), "target": uniform(7, 2), "valid": uniform()},
    "PointLabelLoss": {
        "logits": lambda: torch.randn(B, 7, dtype=torch.float64),
        "target": uniform(7),
        "valid": uniform(),
    },
    "ChangePenalty": {"sam_prob": PROB, "coarse_prob": PROB, "coarse_dice": uniform()},
}
# What a loss is differentiated with respect to.
TRAINED = {
    "QualityLoss": "quality",
    "PointCoordinateLoss": "points",
    "IoURegressionLoss": "iou",
    "ChangePenalty": "sam_prob",
}

every_loss = pytest.mark.parametrize("name", ARGUMENTS)


def draw(name):
    torch.manual_seed(0)
    return {argument: make() for argument, make in ARGUMENTS[name].items()}


def test_every_registered_loss_is_tested_here():
    LOSSES.import_from_location()
    shipped = {name for name, kind in LOSSES.module_dict.items() if kind.__module__.startswith("ultraref.")}
    assert shipped == set(ARGUMENTS)


@every_loss
def test_forward_takes_these_arguments_and_gives_a_finite_scalar(name):
    loss = LOSSES.build({"type": name})
    assert list(inspect.signature(loss.forward).parameters) == list(ARGUMENTS[name])
    value = loss(**draw(name))
    assert value.shape == ()
    assert value.dtype == torch.float64
    assert value.isfinite()
    assert value >= 0


@every_loss
def test_batch_is_the_mean_of_its_samples(name):
    loss, arguments = LOSSES.build({"type": name}), draw(name)
    alone = [loss(**{k: v[i : i + 1] for k, v in arguments.items()}) for i in range(B)]
    assert loss(**arguments).item() == pytest.approx(torch.stack(alone).mean().item(), rel=1e-12)


@every_loss
def test_gradient_is_the_derivative(name):
    loss, arguments = LOSSES.build({"type": name}), draw(name)
    trained = TRAINED.get(name, "logits")
    value = arguments.pop(trained).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(**arguments, **{trained: x}), value)


@every_loss
@pytest.mark.parametrize("lesion", ["none", "all", "some"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_value_and_gradient_are_finite_at_certain_predictions(name, lesion, sign):
    """Logits of +-1e4, probabilities of exactly 0 and 1; ground truth empty, full and in between; float32."""
    loss, arguments = LOSSES.build({"type": name}), draw(name)
    arguments = {k: v.float() for k, v in arguments.items()}
    if "target" in arguments:
        target = arguments["target"].round()
        arguments["target"] = {"none": target * 0, "all": target * 0 + 1, "some": target}[lesion]
    for argument in ("logits", "prob", "sam_prob"):
        if argument in arguments:
            certain = 1e4 * sign if argument == "logits" else (1 + sign) / 2
            arguments[argument] = torch.full_like(arguments[argument], certain)
    value = arguments[TRAINED.get(name, "logits")].requires_grad_()
    result = loss(**arguments)
    result.backward()
    assert result.isfinite()
    assert value.grad.isfinite().all()


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_does_not_lower_the_precision(name, dtype):
    loss = LOSSES.build({"type": name})
    arguments = {k: v.to(dtype) for k, v in draw(name).items()}
    with torch.autocast("cpu", torch.bfloat16):
        inside = loss(**arguments)
    assert inside.dtype == torch.float32
    exact = loss(**{k: v.double() for k, v in arguments.items()})
    assert inside.item() == pytest.approx(exact.item(), rel=1e-5)


@pytest.mark.parametrize("name", [name for name, arguments in ARGUMENTS.items() if "target" in arguments])
def test_targets_may_be_uint8(name):
    loss, arguments = LOSSES.build({"type": name}), draw(name)
    arguments["target"] = arguments["target"].round()
    as_bytes = {**arguments, "target": arguments["target"].byte()}
    assert loss(**as_bytes).item() == pytest.approx(loss(**arguments).item(), rel=1e-12)


@every_loss
def test_shapes_that_would_broadcast_are_refused(name):
    loss, arguments = LOSSES.build({"type": name}), draw(name)
    last = list(arguments)[-1]
    arguments[last] = arguments[last][:1]
    with pytest.raises(ValueError, match=rf"{name}|FocalLoss: `{last}` must have shape .* but has"):
        loss(**arguments)
