import pytest
import torch
import torch.nn.functional as F

from ultraref.models.roi import LesionROICropper

S, H = 256, 224


def rectangle(top, left, height, width, size=S):
    prob = torch.zeros(1, 1, size, size, dtype=torch.float64)
    prob[..., top : top + height, left : left + width] = 1
    return prob


@pytest.mark.parametrize("expand_ratio", [0.0, 0.2, 0.5])
def test_box_is_the_expanded_box_of_the_statistics(expand_ratio):
    box = LesionROICropper(expand_ratio)(rectangle(100, 90, 41, 29))[0]
    half_x = (1 + expand_ratio) * 2.5 * ((29**2 - 1) / 12 + 1e-6) ** 0.5
    half_y = (1 + expand_ratio) * 2.5 * ((41**2 - 1) / 12 + 1e-6) ** 0.5
    assert box.tolist() == pytest.approx([104 - half_x, 120 - half_y, 104 + half_x, 120 + half_y])


def test_a_side_below_the_minimum_is_widened_about_the_centroid():
    box = LesionROICropper(min_size=0.25)(rectangle(100, 100, 3, 101))[0]
    assert box[[1, 3]].tolist() == pytest.approx([101 - 32, 101 + 32])
    assert box[2] - box[0] > 64


def test_square_takes_the_longer_side():
    free = LesionROICropper()(rectangle(100, 90, 60, 30))[0]
    square = LesionROICropper(square=True)(rectangle(100, 90, 60, 30))[0]
    assert square[[1, 3]].tolist() == free[[1, 3]].tolist()
    assert (square[2] - square[0]).item() == pytest.approx((free[3] - free[1]).item())
    assert (square[2] + square[0]).item() == pytest.approx((free[2] + free[0]).item())


def test_cap_cuts_at_the_frame_and_nothing_else():
    prob = rectangle(0, 100, 40, 30)
    free, capped = LesionROICropper()(prob)[0], LesionROICropper(cap=True)(prob)[0]
    assert free[1] < -0.5
    assert capped.tolist() == [free[0], -0.5, free[2], free[3]]


def test_a_side_is_never_longer_than_the_frame_and_loses_nothing_of_it():
    # 200 rows from 56 to the lower border: the box of 1.5 * 2.5 std reaches past both ends.
    free = LesionROICropper(0.5)(rectangle(56, 100, 200, 30))[0]
    assert free[[1, 3]].tolist() == pytest.approx([-0.5, S - 0.5])
    # 100 rows at the border: longer than the frame by none of it, past the lower border only.
    prob = rectangle(156, 100, 100, 30)
    half = 1.5 * 2.5 * ((100**2 - 1) / 12) ** 0.5
    assert LesionROICropper(0.5)(prob)[0, [1, 3]].tolist() == pytest.approx([205.5 - half, 205.5 + half])
    # 150 rows at the border: the box would be longer than the frame, and is cut off past the lower border.
    half = 1.5 * 2.5 * ((150**2 - 1) / 12) ** 0.5
    assert 2 * half > S
    box = LesionROICropper(0.5)(rectangle(106, 100, 150, 30))[0]
    assert (box[3] - box[1]).item() == pytest.approx(S)
    assert box[1].item() == pytest.approx(max(180.5 - half, -0.5))


def test_moving_the_lesion_moves_the_box():
    cropper = LesionROICropper()
    a, b = cropper(rectangle(100, 90, 40, 30)), cropper(rectangle(93, 102, 40, 30))
    torch.testing.assert_close(b - a, torch.tensor([[12.0, -7, 12, -7]], dtype=torch.float64))


def test_gradcheck_of_the_box():
    generator = torch.Generator().manual_seed(0)
    prob = 0.05 * torch.rand(1, 1, 14, 14, dtype=torch.float64, generator=generator)
    prob[..., 4:8, 1:5] += 0.9
    prob.requires_grad_()
    for options in ({}, {"cap": True}, {"square": True}, {"expand_ratio": 1.5}):
        assert torch.autograd.gradcheck(LesionROICropper(**options), prob)


def test_image_crop_has_gradients_only_on_request():
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    for image_grad in (False, True):
        box = torch.tensor([[3.0, 4.0, 20.0, 25.0]], requires_grad=True)
        crop = LesionROICropper(image_grad=image_grad).crop_image(image, box, 16)
        assert crop.requires_grad == image_grad
        torch.testing.assert_close(crop, LesionROICropper().crop(image, box, 16))


@pytest.mark.parametrize("path", ["crop", "paste"])
def test_mask_gradients_reach_the_coarse_mask_through_the_box_alone(path):
    prob = F.avg_pool2d(rectangle(20, 26, 18, 14, size=64), 5, stride=1, padding=2).requires_grad_()
    cropper = LesionROICropper(image_grad=False)
    box = cropper(prob)
    if path == "crop":
        result = cropper.crop(prob.detach(), box, 64)
    else:
        refined = cropper.crop(prob.detach(), box.detach(), 64)
        result = cropper.paste(refined, box, (64, 64), torch.zeros_like(prob))
    ramp = torch.linspace(0, 1, 64, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((result * ramp).sum(), prob)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


def hard_masks():
    """The six coarse masks of a failing network, in its own frame."""
    masks = {name: torch.zeros(1, 1, H, H) for name in ("zero", "one", "pixel", "border", "two lesions", "background")}
    masks["one"] += 1
    masks["pixel"][..., 71, 130] = 1
    masks["border"][..., :40, 60:110] = 1
    masks["two lesions"][..., 5:25, 8:30] = 1
    masks["two lesions"][..., 190:212, 195:219] = 1
    masks["background"] += 0.005
    masks["background"][..., 90:120, 50:100] = 0.95
    return masks


@pytest.mark.parametrize("options", [{}, {"expand_ratio": 0.5}, {"cap": True}, {"square": True}], ids=str)
@pytest.mark.parametrize("name", hard_masks())
def test_hard_coarse_masks_survive_a_refiner_that_returns_them(name, options):
    coarse = F.interpolate(hard_masks()[name], (S, S), mode="bilinear", align_corners=False)
    cropper = LesionROICropper(**options)
    box = cropper(coarse, coarse_pixel_area=(S / H) ** 2)
    final = cropper.paste(cropper.crop(coarse, box, S), box, (S, S), torch.zeros_like(coarse))

    lesion, pasted = coarse > 0.5, final > 0.5
    area = lesion.sum().item()
    if area >= 100:
        assert (lesion & pasted).sum() / (lesion | pasted).sum() >= 0.98
    else:
        assert pasted.any() == (area > 0)
    # A sensible ROI: in order, of a finite size, holding the whole lesion.
    x1, y1, x2, y2 = box[0].tolist()
    assert S / 8 / 2 <= x2 - x1 <= S
    assert S / 8 / 2 <= y2 - y1 <= S
    if area:
        rows, columns = lesion[0, 0].any(1).nonzero(), lesion[0, 0].any(0).nonzero()
        assert x1 <= columns.min() <= columns.max() <= x2
        assert y1 <= rows.min() <= rows.max() <= y2


def test_empty_rows_get_the_whole_frame_and_leave_the_others_alone():
    prob = torch.cat([rectangle(100, 90, 41, 29), rectangle(0, 0, 0, 0), rectangle(7, 9, 1, 1)])
    cropper = LesionROICropper()
    boxes = cropper(prob, coarse_pixel_area=1.3)
    assert boxes[1].tolist() == boxes[2].tolist() == [-0.5, -0.5, 255.5, 255.5]
    torch.testing.assert_close(boxes[:1], cropper(prob[:1]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"expand_ratio": -0.1}, r"expand_ratio=-0\.1"),
        ({"num_std": 0}, "num_std=0"),
        ({"min_size": 32}, r"min_size=32.*\(0, 1\]"),
        ({"outside": "zeros"}, "outside='zeros'.*coarse"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        LesionROICropper(**arguments)
