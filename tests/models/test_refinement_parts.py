"""The contract of every registered prompt generator, ROI cropper, probability transform and gate.

A part that registers is tested here without another line, as long as it can be built without arguments. Parts that
can't get them in ARGUMENTS.
"""

import pytest
import torch
import torch.nn.functional as F

from ultraref.registry import GATES, PROB_TRANSFORMS, PROMPT_GENERATORS, ROI_CROPPERS

ARGUMENTS: dict[str, dict] = {}
S, M = 48, 12


def names(registry):
    registry.import_from_location()
    return sorted(registry.module_dict)


def build(registry, name):
    torch.manual_seed(0)
    return registry.build({"type": name, **ARGUMENTS.get(name, {})}).eval()


def masks(dtype=torch.float32):
    """Coarse masks (8, 1, S, S): two lesions of a network, noise, a haze, a single pixel, full, empty and a half."""
    generator = torch.Generator().manual_seed(0)
    prob = torch.zeros(8, 1, S, S, dtype=torch.float64)
    prob[0, 0, 12:25, 15:33] = 1
    prob[1, 0, 30:, :9] = 0.9
    prob[2] = torch.rand(1, S, S, generator=generator, dtype=torch.float64)
    prob[3] = 0.005
    prob[4, 0, 20, 30] = 1
    prob[5] = 1
    prob[7] = 0.5
    prob[:2] = F.avg_pool2d(prob[:2], 5, stride=1, padding=2)
    return prob.to(dtype)


def assert_rows_do_not_depend_on_each_other(function, *inputs):
    together = function(*inputs)
    for row in range(len(inputs[0])):
        alone = function(*(tensor[row : row + 1] for tensor in inputs))
        torch.testing.assert_close(alone, together[row : row + 1], atol=1e-5, rtol=1e-5)


def assert_finite_gradients(function, *inputs):
    """Gradients at float32 with respect to each input that the result depends on."""
    inputs = [tensor.clone().requires_grad_() for tensor in inputs]
    result = function(*inputs)
    if result.requires_grad:
        for gradient in torch.autograd.grad(result.sum(), inputs, allow_unused=True):
            assert gradient is None or gradient.isfinite().all()


@pytest.mark.parametrize("name", names(PROMPT_GENERATORS))
def test_prompt_generator(name):
    generator = build(PROMPT_GENERATORS, name)
    fields = generator(masks(), M).as_dict()
    assert fields
    for field, value in fields.items():
        assert value.isfinite().all()
        assert value.dtype == torch.float32
        assert generator(masks(torch.float64), M).as_dict()[field].dtype == torch.float64
        assert_rows_do_not_depend_on_each_other(lambda p, field=field: generator(p, M).as_dict()[field], masks())
        assert_finite_gradients(lambda p, field=field: generator(p, M).as_dict()[field], masks())
    if "points" in fields:
        assert fields["points"].shape == (8, fields["labels"].shape[1], 2)
        assert 0 <= fields["points"].min() <= fields["points"].max() <= S - 1
        assert 0 <= fields["labels"].min() <= fields["labels"].max() <= 1
    if "box" in fields:
        assert fields["box"].shape == (8, 4)
        assert (fields["box"][:, 2:] >= fields["box"][:, :2]).all()
        assert 0 <= fields["box"].min() <= fields["box"].max() <= S - 1
    if "mask_logits" in fields:
        assert fields["mask_logits"].shape == (8, 1, M, M)


@pytest.mark.parametrize("name", names(ROI_CROPPERS))
def test_roi_cropper(name):
    cropper = build(ROI_CROPPERS, name)
    boxes = cropper(masks())
    assert boxes.shape == (8, 4)
    assert boxes.dtype == torch.float32
    assert cropper(masks(torch.float64)).dtype == torch.float64
    assert boxes.isfinite().all()
    sides = boxes[:, 2:] - boxes[:, :2]
    assert (sides > 0).all()
    assert (sides <= 2 * S).all()
    assert (boxes[:, :2] < S - 0.5).all()
    assert (boxes[:, 2:] > -0.5).all()
    assert boxes[6].tolist() == [-0.5, -0.5, S - 0.5, S - 0.5]
    assert cropper.outside in ("background", "coarse")
    assert_rows_do_not_depend_on_each_other(cropper, masks())
    assert_finite_gradients(cropper, masks())

    def there_and_back(prob):
        box = cropper(prob)
        return cropper.paste(cropper.crop(prob, box, S), box, (S, S), torch.zeros_like(prob))

    pasted = there_and_back(masks())
    assert pasted.shape == (8, 1, S, S)
    assert 0 <= pasted.min() <= pasted.max() <= 1
    assert_rows_do_not_depend_on_each_other(there_and_back, masks())
    assert_finite_gradients(there_and_back, masks())


@pytest.mark.parametrize("name", names(PROB_TRANSFORMS))
def test_prob_transform(name):
    transform = build(PROB_TRANSFORMS, name)
    result = transform(masks())
    assert result.shape == (8, 1, S, S)
    assert result.dtype == torch.float32
    assert transform(masks(torch.float64)).dtype == torch.float64
    assert 0 <= result.min() <= result.max() <= 1
    assert (result[5] == 1).all()
    assert (result[6] == 0).all()
    assert_rows_do_not_depend_on_each_other(transform, masks())
    assert_finite_gradients(transform, masks())


@pytest.mark.parametrize("name", names(GATES))
def test_gate(name):
    gate = build(GATES, name)
    if hasattr(gate, "set_threshold"):
        # Of a gate that must be calibrated: accepts some of these cases.
        gate.set_threshold(0.5)
    coarse, refined = masks(), masks().flip(0)
    result = gate(coarse, refined)
    assert result.shape == coarse.shape
    assert result.dtype == torch.float32
    assert result.isfinite().all()
    assert 0 <= result.min() <= result.max() <= 1
    assert_rows_do_not_depend_on_each_other(gate, coarse, refined)
    assert_finite_gradients(gate, coarse, refined)
