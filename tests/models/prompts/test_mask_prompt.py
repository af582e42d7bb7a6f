import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from ultraref.models.prompts import MaskPromptGenerator
from ultraref.models.prompts.mask import gaussian_blur


def test_logits_are_linear_in_p():
    prob = torch.tensor([0, 0.25, 0.5, 1.0]).view(4, 1, 1, 1).expand(4, 1, 32, 32)
    logits = MaskPromptGenerator(scale=10)(prob, 8).mask_logits
    assert logits.shape == (4, 1, 8, 8)
    assert logits[:, 0, 3, 5].tolist() == [-10, -5, 0, 10]


def test_resizing_keeps_pixel_centres():
    # A ramp in x is kept by linear interpolation: pixel i of 16 has its centre at (i + 0.5) * 4 - 0.5 of 64.
    prob = (torch.arange(64, dtype=torch.float64) / 63).expand(1, 1, 64, 64)
    logits = MaskPromptGenerator(scale=1)(prob, 16).mask_logits
    expected = 2 * ((torch.arange(16, dtype=torch.float64) + 0.5) * 4 - 0.5) / 63 - 1
    torch.testing.assert_close(logits[0, 0, 7], expected)


def test_blur_agrees_with_scipy():
    prob = torch.rand(2, 1, 20, 31, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    kernel = np.exp(-(np.arange(-3, 4) ** 2) / (2 * 3.0**2))
    kernel /= kernel.sum()
    # "mirror" is SciPy's word for a reflection that doesn't repeat the outermost pixel.
    expected = correlate1d(correlate1d(prob.numpy(), kernel, axis=-1, mode="mirror"), kernel, axis=-2, mode="mirror")
    np.testing.assert_allclose(gaussian_blur(prob, 7, 3.0).numpy(), expected, atol=1e-12)


def test_gaussian_style_blurs_in_the_frame_of_the_input():
    prob = torch.zeros(1, 1, 64, 64, dtype=torch.float64)
    prob[..., 30:34, 20:44] = 1
    blurred = MaskPromptGenerator("gaussian", kernel_size=5, sigma=2)(prob, 16).mask_logits
    by_hand = MaskPromptGenerator("direct")(gaussian_blur(prob, 5, 2.0), 16).mask_logits
    torch.testing.assert_close(blurred, by_hand)
    assert (blurred != MaskPromptGenerator("direct")(prob, 16).mask_logits).any()


@pytest.mark.parametrize("style", MaskPromptGenerator.STYLES)
def test_constant_masks_stay_constant(style):
    prob = torch.stack([torch.zeros(1, 16, 16), torch.ones(1, 16, 16)])
    logits = MaskPromptGenerator(style)(prob, 4).mask_logits
    torch.testing.assert_close(logits[0], torch.full((1, 4, 4), -10.0))
    torch.testing.assert_close(logits[1], torch.full((1, 4, 4), 10.0))


@pytest.mark.parametrize("style", MaskPromptGenerator.STYLES)
def test_gradcheck(style):
    prob = torch.rand(1, 1, 9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: MaskPromptGenerator(style)(p, 4).mask_logits, prob)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"style": "soft"}, "gaussian"),
        ({"kernel_size": 6}, "odd"),
        ({"sigma": 0}, "sigma=0"),
        ({"scale": -1}, "scale=-1"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        MaskPromptGenerator(**arguments)


def test_a_frame_smaller_than_the_kernel_is_refused():
    with pytest.raises(ValueError, match="kernel_size"):
        MaskPromptGenerator("gaussian")(torch.zeros(1, 1, 3, 3), 2)
