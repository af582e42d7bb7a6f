import pytest
import torch

from ultraref.models.mask_statistics import is_empty, mask_statistics


def rectangle(top, left, height, width, size=(40, 60)):
    prob = torch.zeros(1, 1, *size, dtype=torch.float64)
    prob[..., top : top + height, left : left + width] = 1
    return prob


def lesion(size=32, dtype=torch.float64):
    """A smooth blob off the centre, with a mass of many pixels."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.exp(-((x - 13.3) ** 2 / 40 + (y - 17.8) ** 2 / 18)).to(dtype)[None, None]


def test_rectangle_has_the_statistics_of_a_uniform_distribution():
    statistics = mask_statistics(rectangle(top=5, left=12, height=9, width=20))
    # The mean of n consecutive integers from a is a + (n - 1) / 2, their variance (n^2 - 1) / 12; 1e-6 is added to it.
    assert statistics.mass.item() == 180
    assert statistics.centroid[0].tolist() == pytest.approx([12 + 9.5, 5 + 4])
    assert statistics.std[0].tolist() == pytest.approx([(399 / 12 + 1e-6) ** 0.5, (80 / 12 + 1e-6) ** 0.5])


def test_box_is_mean_plus_minus_std_and_clamps_to_pixel_centres():
    statistics = mask_statistics(rectangle(top=0, left=0, height=13, width=13))
    half = 2.5 * (14 + 1e-6) ** 0.5  # (13^2 - 1) / 12 = 14
    assert statistics.box(2.5)[0].tolist() == pytest.approx([6 - half, 6 - half, 6 + half, 6 + half])
    assert statistics.clamped_box(2.5)[0].tolist() == pytest.approx([0, 0, 6 + half, 6 + half])
    whole = mask_statistics(torch.ones(1, 1, 40, 60))
    assert whole.clamped_box(2.5)[0].tolist() == [0, 0, 59, 39]


def test_moving_the_mask_moves_the_centroid_alone():
    before = mask_statistics(rectangle(5, 12, 9, 20))
    after = mask_statistics(rectangle(5 + 11, 12 + 7, 9, 20))
    torch.testing.assert_close(after.centroid - before.centroid, torch.tensor([[7.0, 11.0]], dtype=torch.float64))
    torch.testing.assert_close(after.std, before.std)


def test_repeating_each_pixel_scales_positions_and_spread():
    prob, k = lesion(), 3
    small, large = mask_statistics(prob), mask_statistics(prob.repeat_interleave(k, -1).repeat_interleave(k, -2))
    torch.testing.assert_close(large.centroid, (small.centroid + 0.5) * k - 0.5)
    # k copies of a pixel, spread over it, add the variance of k integers.
    variance = (small.std**2 - 1e-6) * k**2 + (k**2 - 1) / 12 + 1e-6
    torch.testing.assert_close(large.std, variance.sqrt())


def test_weights_count_not_their_scale():
    a, b = mask_statistics(lesion()), mask_statistics(0.25 * lesion())
    torch.testing.assert_close(a.centroid, b.centroid)
    torch.testing.assert_close(a.std, b.std)


def test_empty_mask_has_the_statistics_of_the_frame():
    statistics = mask_statistics(torch.zeros(2, 1, 40, 60))
    assert statistics.mass.tolist() == [0, 0]
    assert statistics.centroid[1].tolist() == [29.5, 19.5]
    assert statistics.std[1].tolist() == pytest.approx([(3599 / 12) ** 0.5, (1599 / 12) ** 0.5])


def test_statistics_are_continuous_at_one_pixel_of_mass():
    prob = lesion() / lesion().sum()
    below, above = mask_statistics(prob * (1 - 1e-9)), mask_statistics(prob * (1 + 1e-9))
    torch.testing.assert_close(below.centroid, above.centroid, atol=1e-6, rtol=0)
    torch.testing.assert_close(below.std, above.std, atol=1e-5, rtol=0)


@pytest.mark.parametrize("mass", [0.0, 1e-6, 0.1, 1.0])
def test_gradients_of_faint_masks_stay_within_the_frame(mass):
    prob = (lesion() / lesion().sum() * mass).requires_grad_()
    statistics = mask_statistics(prob)
    (gradient,) = torch.autograd.grad(statistics.centroid.sum(), prob)
    # One pixel of mass is at least in the denominator, so a weight moves x and y by less than the frame's side each.
    assert gradient.abs().max() <= 2 * 32


def test_gradcheck():
    prob = lesion(9).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: (mask_statistics(p).centroid, mask_statistics(p).std), prob)
    faint = (lesion(9) / 1000).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: (mask_statistics(p).centroid, mask_statistics(p).std), faint)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.float32), (torch.float64, torch.float64)],
)
def test_precision_is_kept_or_raised_under_autocast(dtype, expected):
    prob = torch.zeros(1, 1, 1024, 1024, dtype=dtype)
    prob[..., 100:901, 300:1001] = 1  # its mass of 561 501 px is beyond fp16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        statistics = mask_statistics(prob)
    assert statistics.centroid.dtype == statistics.std.dtype == expected
    assert statistics.centroid[0].tolist() == pytest.approx([650, 500], abs=1e-3)
    assert statistics.std[0].tolist() == pytest.approx([((701**2 - 1) / 12) ** 0.5, ((801**2 - 1) / 12) ** 0.5], 1e-5)


def test_empty_means_less_mass_than_one_coarse_pixel():
    prob = torch.zeros(3, 1, 8, 8)
    prob[1, 0, 0, 0], prob[2, 0, :2, :2] = 1, 1
    assert is_empty(prob).tolist() == [True, False, False]
    assert is_empty(prob, coarse_pixel_area=4.0).tolist() == [True, True, False]


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(B, 1, H, W\).*\(2, 3, 8, 8\)"):
        mask_statistics(torch.zeros(2, 3, 8, 8))
