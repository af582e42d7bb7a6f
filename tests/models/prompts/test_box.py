import pytest
import torch

from ultraref.models.prompts import BoxPromptGenerator


def rectangle(top, left, height, width, size=64):
    prob = torch.zeros(1, 1, size, size, dtype=torch.float64)
    prob[..., top : top + height, left : left + width] = 1
    return prob


@pytest.mark.parametrize("num_std", [1.5, 2.5])
def test_box_of_a_rectangle(num_std):
    prompts = BoxPromptGenerator(num_std)(rectangle(20, 24, 7, 13), 16)
    # Variances (n^2 - 1) / 12: 14 for 13 columns and 4 for 7 rows.
    half_x, half_y = num_std * (14 + 1e-6) ** 0.5, num_std * (4 + 1e-6) ** 0.5
    assert prompts.box[0].tolist() == pytest.approx([30 - half_x, 23 - half_y, 30 + half_x, 23 + half_y])
    assert list(prompts.as_dict()) == ["box"]


def test_box_stays_on_pixel_centres_of_the_frame():
    box = BoxPromptGenerator()(torch.cat([torch.ones(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)]), 16).box
    assert box.tolist() == [[0, 0, 63, 63]] * 2


def test_soft_background_blows_the_box_up():
    prob = rectangle(100, 100, 12, 12, size=224)
    clean, hazy = (BoxPromptGenerator()(p, 16).box[0] for p in (prob, prob + 0.005 * (1 - prob)))
    assert (clean[2] - clean[0]).item() == pytest.approx(5 * (143 / 12) ** 0.5, rel=1e-3)
    # The haze weighs 250 px against the lesion's 144: the variance is nearly two thirds of that of the whole frame.
    assert (hazy[2] - hazy[0]).item() > 0.9 * 223


def test_gradcheck_with_one_edge_clamped():
    prob = torch.rand(1, 1, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.2
    prob[..., 3:6, 1:4] += 0.7
    prob.requires_grad_()
    box = BoxPromptGenerator(1.5)(prob, 4).box
    assert (box == 0).any()
    assert (box > 0).any()
    assert torch.autograd.gradcheck(lambda p: BoxPromptGenerator(1.5)(p, 4).box, prob)


def test_wrong_argument_is_named():
    with pytest.raises(ValueError, match=r"num_std=-1"):
        BoxPromptGenerator(-1)
