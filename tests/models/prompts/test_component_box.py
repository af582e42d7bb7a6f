"""The box of the mask itself, with the gradient of the box of standard deviations."""

import pytest
import torch

from ultraref.errors import UserError
from ultraref.models.prompts import BoxPromptGenerator, ComponentBoxPromptGenerator
from ultraref.models.prompts.component_box import tight_box


def rectangle(x1, y1, x2, y2, size=64):
    prob = torch.zeros(1, 1, size, size)
    prob[..., y1 : y2 + 1, x1 : x2 + 1] = 1
    return prob


def test_the_box_is_that_of_the_outermost_pixels():
    assert tight_box(rectangle(10, 20, 29, 59) > 0.5).tolist() == [[10, 20, 29, 59]]
    assert tight_box(torch.zeros(1, 1, 8, 6, dtype=torch.bool)).tolist() == [[0, 0, 5, 7]]


def test_it_grows_by_a_share_of_each_side_up_to_the_frame():
    box = ComponentBoxPromptGenerator(margin=0.1)(rectangle(10, 20, 29, 59), 16).box
    # 20 columns and 40 rows: 2 and 4 px; below, 63 is the last pixel.
    torch.testing.assert_close(box, torch.tensor([[8.0, 16.0, 31.0, 63.0]]))


def test_soft_pixels_around_do_not_count():
    prob = rectangle(10, 20, 29, 40)
    prob[prob == 0] = 0.3
    torch.testing.assert_close(
        ComponentBoxPromptGenerator(margin=0)(prob, 16).box, torch.tensor([[10.0, 20.0, 29.0, 40.0]])
    )


def test_the_gradient_is_that_of_the_soft_box():
    prob = (0.9 * rectangle(10, 20, 29, 40)).requires_grad_()
    weight = torch.tensor([1.0, -2.0, 0.5, 3.0])
    (hard,) = torch.autograd.grad((ComponentBoxPromptGenerator(num_std=2.0)(prob, 16).box * weight).sum(), prob)
    (soft,) = torch.autograd.grad((BoxPromptGenerator(num_std=2.0)(prob, 16).box * weight).sum(), prob)
    torch.testing.assert_close(hard, soft)
    assert hard.abs().max() > 0


def test_no_pixel_above_the_threshold_gives_the_soft_box():
    prob = 0.4 * rectangle(10, 20, 29, 40)
    assert torch.equal(ComponentBoxPromptGenerator()(prob, 16).box, BoxPromptGenerator(num_std=2.0)(prob, 16).box)


def test_jitter_moves_edges_in_training_only():
    generator = ComponentBoxPromptGenerator(margin=0.0, jitter=0.1)
    prob = rectangle(20, 20, 39, 29).expand(64, -1, -1, -1)
    still = generator.eval()(prob, 16).box
    torch.manual_seed(0)
    moved = generator.train()(prob, 16).box
    assert torch.equal(still, torch.tensor([20.0, 20.0, 39.0, 29.0]).expand(64, -1))
    offset = (moved - still).abs()
    # A tenth of 20 columns and of 10 rows.
    assert (offset <= torch.tensor([2.0, 1.0, 2.0, 1.0]) + 1e-5).all()
    assert (offset.amax(dim=0) > torch.tensor([1.8, 0.9, 1.8, 0.9])).all()


@pytest.mark.parametrize("options", [{"threshold": 0}, {"margin": -0.1}, {"jitter": -1}, {"num_std": 0}])
def test_what_is_refused(options):
    with pytest.raises(UserError, match=next(iter(options))):
        ComponentBoxPromptGenerator(**options)
