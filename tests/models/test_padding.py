"""The coarse probability in a frame of SAM that is partly padding."""

import torch
from torch.nn import functional as F

from ultraref.models.padding import content_mask, into_sam_frame


def test_without_padding_it_is_a_plain_resize():
    prob = torch.rand(2, 1, 24, 24)
    expected = F.interpolate(prob, (64, 64), mode="bilinear", align_corners=False)
    assert torch.equal(into_sam_frame(prob, 64, None), expected)
    whole = into_sam_frame(prob, 64, torch.tensor([[64, 64], [64, 64]]))
    torch.testing.assert_close(whole[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2])


def test_content_is_the_resized_image_and_the_rest_is_empty():
    prob = torch.rand(2, 1, 24, 24)
    sizes = [(40, 64), (64, 33)]
    moved = into_sam_frame(prob, 64, torch.tensor(sizes))
    for own, one, (height, width) in zip(moved, prob, sizes):
        expected = F.interpolate(one[None], (height, width), mode="bilinear", align_corners=False)[0]
        # At the image's edges a plain resize repeats the last pixel, a crop goes on in its slope.
        torch.testing.assert_close(own[:, 2 : height - 2, 2 : width - 2], expected[:, 2:-2, 2:-2])
        assert not own[:, height:].any()
        assert not own[:, :, width:].any()


def test_gradients_are_finite_and_reach_every_pixel():
    prob = torch.rand(1, 1, 8, 8, requires_grad=True)
    into_sam_frame(prob, 32, torch.tensor([[20, 32]])).square().sum().backward()
    assert (prob.grad > 0).all()


def test_the_mask_of_the_content():
    mask = content_mask(8, torch.tensor([[3, 8], [8, 5]]))
    assert mask.flatten(1).sum(dim=1).tolist() == [24, 40]
    assert mask[0, 0, 2, 7]
    assert not mask[1, 0, 0, 5]
