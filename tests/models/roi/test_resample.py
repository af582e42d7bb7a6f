import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ultraref.models.roi.geometry import whole_frame
from ultraref.models.roi.resample import crop_area, crop_bilinear, paste

SIZE = 128


def soft_disc(x, y, radius, ramp=False):
    """A lesion whose edge has a slope of 1/16 per px: a logistic one, or a ramp between 0 and 1."""
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    depth = radius - ((columns - x) ** 2 + (rows - y) ** 2).to(torch.float64).sqrt()
    return ((depth / 16 + 0.5).clamp(0, 1) if ramp else torch.sigmoid(depth / 4))[None, None]


def largest_deviation(mask, box):
    """Largest |paste(crop(m)) - m| over the pixels in the box, at a crop of the frame's size."""
    outside = torch.full_like(mask, 2.0)
    pasted = paste(crop_bilinear(mask, box, SIZE), box, (SIZE, SIZE), outside)
    return ((pasted - mask).abs() * (pasted < 2)).max().item()


def random_boxes(count, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        centre, side = rng.uniform(0, SIZE, 2), rng.uniform(0.1, 2, 2) * SIZE
        box = np.concatenate([centre - side / 2, centre + side / 2])
        yield (
            torch.from_numpy(box)[None],
            soft_disc(*rng.uniform(0, SIZE, 2), rng.uniform(12, 50), ramp=rng.random() < 0.5),
        )


def test_whole_frame_at_its_own_size_is_the_identity():
    x = torch.rand(2, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    box = whole_frame(x).expand(2, 4)
    assert torch.equal(crop_bilinear(x, box, 24), x)
    assert torch.equal(crop_area(x, box, 24), x)
    assert torch.equal(paste(x, box, (24, 24), torch.zeros_like(x)), x)


def test_magnifying_the_frame_agrees_with_interpolate():
    x = torch.rand(1, 3, 24, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = F.interpolate(x, (96, 96), mode="bilinear", align_corners=False)
    found = crop_bilinear(x, whole_frame(x)[None], 96)
    # The outermost half pixel of the frame is repeated there, and extrapolated here.
    torch.testing.assert_close(found[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2])


def test_crop_agrees_with_grid_sample():
    x = torch.rand(2, 3, 20, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    box = torch.tensor([[3.2, 4.1, 20.9, 15.3], [0.3, 1.7, 11.5, 18.1]], dtype=torch.float64)
    # grid_sample measures in half frames from the frame's middle.
    step = (torch.arange(16, dtype=torch.float64) + 0.5) / 16
    u = box[:, None, 0] + step * (box[:, None, 2] - box[:, None, 0])
    v = box[:, None, 1] + step * (box[:, None, 3] - box[:, None, 1])
    grid = torch.stack(
        [((2 * u + 1) / 30 - 1)[:, None, :].expand(2, 16, 16), ((2 * v + 1) / 20 - 1)[:, :, None].expand(2, 16, 16)], -1
    )
    expected = F.grid_sample(x, grid, mode="bilinear", align_corners=False)
    torch.testing.assert_close(crop_bilinear(x, box, 16), expected)


def test_beyond_the_frame_a_crop_is_zero():
    x = torch.ones(1, 1, 32, 32)
    crop = crop_bilinear(x, torch.tensor([[-16.5, -0.5, 47.5, 31.5]]), 64)
    # Columns 16 to 47 are the frame; one more on each side is there to interpolate towards.
    assert (crop[0, 0, :, 15:49] == 1).all()
    assert (crop[0, 0, :, :15] == 0).all()
    assert (crop[0, 0, :, 49:] == 0).all()


def test_a_crop_stays_within_the_values_of_the_picture():
    x = (torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(3)) > 0.5).float()
    crop = crop_bilinear(x, torch.tensor([[-9.0, -7.7, 23.0, 22.1]]), 40)
    assert crop.min() >= 0
    assert crop.max() <= 1


@pytest.mark.parametrize("seed", range(4))
def test_paste_of_crop_gives_the_mask_back(seed):
    for box, mask in random_boxes(25, seed):
        assert largest_deviation(mask, box) < 0.03


@pytest.mark.parametrize("offset", np.linspace(0, 2, 9)[:-1])
def test_paste_of_crop_at_twice_the_frame_for_every_alignment_of_pixels(offset):
    # The worst case: kinks of a ramp half way between two pixels of the crop, 3/16 * (1/16) * 2 = 0.0234 each; where
    # the frame's border cuts a lesion, a second kink adds to it.
    box = torch.tensor([[-0.5, -0.5, 1.5, 1.5]], dtype=torch.float64) * SIZE + offset
    for centre in (64, 20, 2):
        for ramp in (False, True):
            assert largest_deviation(soft_disc(centre, 64, 32, ramp), box) < 0.03


@pytest.mark.parametrize("threshold", np.linspace(0.1, 0.9, 9))
def test_no_threshold_floods_the_outside(threshold):
    box = torch.tensor([[10.3, 20.7, 40.2, 33.9]])
    pasted = paste(torch.ones(1, 1, 64, 64), box, (48, 48), torch.zeros(1, 1, 48, 48))
    above = pasted[0, 0] > threshold
    # Exactly the pixels whose centres the box holds: columns 11 to 40, rows 21 to 33.
    assert above.sum() == 30 * 13
    assert above[21:34, 11:41].all()


def test_outside_is_what_was_handed_in():
    box = torch.tensor([[10.3, 20.7, 40.2, 33.9]])
    outside = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(4))
    pasted = paste(torch.zeros(1, 1, 64, 64), box, (48, 48), outside)
    assert (pasted[..., 21:34, 11:41] == 0).all()
    outside[..., 21:34, 11:41] = 0
    assert torch.equal(pasted, outside)


def test_frames_need_not_be_square():
    mask = torch.zeros(1, 1, 40, 72)
    mask[..., 10:25, 30:60] = 1
    box = torch.tensor([[20.0, 5.0, 70.0, 30.0]])
    pasted = paste(crop_bilinear(mask, box, 128), box, (40, 72), torch.zeros_like(mask))
    assert ((pasted > 0.5) == (mask > 0.5)).all()


def test_area_crop_is_the_fraction_covered():
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:5, 3:6] = 1
    # Cells of 2 x 2 px: columns 2-3, 4-5; rows 2-3, 4-5 hold 1 and 2 columns, 2 and 1 rows of the lesion.
    crop = crop_area(mask, torch.tensor([[1.5, 1.5, 5.5, 5.5]]), 2)
    assert crop[0, 0].tolist() == [[0.5, 1.0], [0.25, 0.5]]


@pytest.mark.parametrize("size", [3, 17, 200])
def test_area_crop_keeps_the_total(size):
    x = torch.rand(1, 2, 50, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    box = torch.tensor([[-13.7, -4.4, 75.1, 90.3]], dtype=torch.float64)
    cell = (75.1 + 13.7) * (90.3 + 4.4) / size**2
    torch.testing.assert_close(crop_area(x, box, size).sum((-2, -1)) * cell, x.sum((-2, -1)))


def test_area_crop_agrees_with_adaptive_pooling():
    x = torch.rand(1, 1, 48, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    torch.testing.assert_close(crop_area(x, whole_frame(x)[None], 12), F.adaptive_avg_pool2d(x, 12))


BOXES = torch.tensor([[1.37, 2.61, 7.83, 6.12], [-2.23, 0.81, 6.47, 11.39]], dtype=torch.float64)


@pytest.mark.parametrize("crop", [crop_bilinear, crop_area])
def test_gradcheck_of_crops(crop):
    x = torch.rand(2, 1, 9, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(7)).requires_grad_()
    assert torch.autograd.gradcheck(lambda p, b: crop(p, b, 5), (x, BOXES.clone().requires_grad_()))


def test_gradcheck_of_paste():
    generator = torch.Generator().manual_seed(8)
    prob = (0.3 + 0.4 * torch.rand(2, 1, 6, 6, dtype=torch.float64, generator=generator)).requires_grad_()
    outside = torch.rand(2, 1, 9, 8, dtype=torch.float64, generator=generator).requires_grad_()
    boxes = BOXES.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda p, b, o: paste(p, b, (9, 8), o), (prob, boxes, outside))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_and_half_precision_do_not_move_the_samples(dtype):
    ramp = torch.arange(1024.0).expand(1, 1, 1024, 1024) / 1024
    box = torch.tensor([[500.25, 500.25, 756.25, 756.25]])
    expected = crop_bilinear(ramp, box, 64)
    with torch.autocast("cpu", dtype=dtype):
        torch.testing.assert_close(crop_bilinear(ramp, box, 64), expected)
    low = crop_bilinear(ramp.to(dtype), box, 64)
    assert low.dtype == torch.float32
    # Only the picture is rounded: by half a unit in the last of 8 bits at most.
    torch.testing.assert_close(low, expected, atol=2**-9, rtol=0)
