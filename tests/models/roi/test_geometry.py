import pytest
import torch

from ultraref.models.roi import crop_to_frame, frame_to_crop, resize_box, whole_frame


def test_whole_frame_reaches_half_a_pixel_past_the_outer_centres():
    assert whole_frame(torch.zeros(2, 1, 30, 40)).tolist() == [-0.5, -0.5, 39.5, 29.5]


def test_crop_of_the_whole_frame_has_the_frames_coordinates():
    box = whole_frame(torch.zeros(1, 1, 32, 32))[None]
    points = torch.tensor([[[0.0, 0.0], [31.0, 5.0]]])
    assert torch.equal(crop_to_frame(points, box, 32), points)


def test_pixels_of_a_crop_are_the_centres_of_equal_cells():
    # Two pixels over [10, 14] lie at 11 and 13, and over [-3, 5] at -1 and 3.
    box = torch.tensor([[10.0, -3.0, 14.0, 5.0]])
    points = crop_to_frame(torch.tensor([[[0.0, 0.0], [1.0, 1.0]]]), box, 2)
    assert points.tolist() == [[[11, -1], [13, 3]]]


def test_there_and_back():
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(3, 5, 2, generator=generator, dtype=torch.float64) * 100
    box = torch.tensor([[3.3, -7.1, 60.2, 55.5]], dtype=torch.float64).repeat(3, 1) * torch.tensor([[1], [2], [0.3]])
    torch.testing.assert_close(crop_to_frame(frame_to_crop(points, box, 48), box, 48), points)


def test_resizing_a_box_keeps_the_area_it_covers():
    # The left half of a frame is the left half at any size.
    assert resize_box(torch.tensor([[-0.5, -0.5, 19.5, 29.5]]), (30, 40), (90, 20)).tolist() == [
        [-0.5, -0.5, 9.5, 89.5]
    ]
    box = torch.tensor([[-4.2, 3.0, 17.0, 31.9]])
    torch.testing.assert_close(resize_box(resize_box(box, (30, 40), (224, 1024)), (224, 1024), (30, 40)), box)


def test_half_precision_is_raised():
    point = torch.tensor([[[1000.25, 3.0]]])
    box = torch.tensor([[0.0, 0.0, 1024.0, 1024.0]], dtype=torch.float16)
    assert crop_to_frame(point.half(), box, 1024).dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert crop_to_frame(point, box, 1024)[0, 0].tolist() == pytest.approx([1000.75, 3.5])
