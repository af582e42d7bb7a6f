import math

import pytest
import torch

from ultraref.models.prompts import PointPromptGenerator


def disc(x, y, radius, size=64, dtype=torch.float64):
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    distance = ((columns - x) ** 2 + (rows - y) ** 2).to(torch.float64).sqrt()
    return torch.sigmoid((radius - distance) / 0.7).to(dtype)[None, None]


def test_positive_point_is_the_centroid_and_labels_say_which_is_which():
    prompts = PointPromptGenerator()(disc(20, 33, 8), 16)
    assert prompts.points.shape == (1, 2, 2)
    assert prompts.labels.tolist() == [[1, 0]]
    assert prompts.points[0, 0].tolist() == pytest.approx([20, 33], abs=1e-6)
    assert prompts.box is None
    assert prompts.mask_logits is None


def test_power_weighs_a_faint_second_blob_less():
    prob = disc(16, 16, 6) + 0.2 * disc(48, 16, 6)
    points = {power: PointPromptGenerator(power)(prob, 16).points[0, 0, 0].item() for power in (1, 2)}
    # Two equal blobs 32 px apart with weights 1 and w: the centroid lies at w / (1 + w) of the way.
    assert points[1] == pytest.approx(16 + 32 * 0.2 / 1.2, abs=1e-6)
    assert points[2] == pytest.approx(16 + 32 * 0.04 / 1.04, abs=1e-6)


def test_without_a_negative_there_is_one_point():
    prompts = PointPromptGenerator(negative=None)(disc(20, 33, 8), 16)
    assert prompts.points.shape == (1, 1, 2)
    assert prompts.labels.tolist() == [[1]]


@pytest.mark.parametrize(
    ("centre", "upper_x", "upper_y"),
    [((4, 4), True, True), ((60, 4), False, True), ((4, 60), True, False), ((60, 60), False, False)],
)
def test_far_corner_lies_away_from_the_border_that_cuts_the_box(centre, upper_x, upper_y):
    prob = disc(*centre, 8)
    positive, negative = PointPromptGenerator(num_std=2.5)(prob, 16).points[0]
    distance = (negative - positive).abs()
    assert ((negative > positive) == torch.tensor([upper_x, upper_y])).all()
    # The corner is that of the box mean +- 2.5 std, computed here from scratch.
    axis = torch.arange(64, dtype=torch.float64)
    for i, profile in enumerate((prob.sum((0, 1, 2)), prob.sum((0, 1, 3)))):
        mean = (profile * axis).sum() / profile.sum()
        std = math.sqrt((profile * (axis - mean) ** 2).sum() / profile.sum() + 1e-6)
        assert distance[i].item() == pytest.approx(2.5 * std)


def test_of_equally_far_corners_rounding_does_not_choose():
    prob = disc(32, 32, 8, dtype=torch.float32)
    moved = disc(32 + 1e-4, 32 - 1e-4, 8, dtype=torch.float32)
    a, b = (PointPromptGenerator()(p, 16).points[0, 1] for p in (prob, moved))
    torch.testing.assert_close(a, b, atol=1e-2, rtol=0)
    assert (a < 32).all()


def test_background_centroid_follows_the_formula():
    prob, tau = disc(22, 40, 7), 1.5
    generator = PointPromptGenerator(negative="background_centroid", tau=tau)
    found = generator(prob, 16).points[0, 1]
    # The same sums in plain loops over pixels.
    p = prob[0, 0].tolist()
    n = range(64)
    mass = sum(p[y][x] for y in n for x in n)
    mean = [sum(p[y][x] * (x, y)[i] for y in n for x in n) / mass for i in (0, 1)]
    std = [math.sqrt(sum(p[y][x] * ((x, y)[i] - mean[i]) ** 2 for y in n for x in n) / mass + 1e-6) for i in (0, 1)]
    low = [max(mean[i] - 2.5 * std[i], 0) for i in (0, 1)]
    high = [min(mean[i] + 2.5 * std[i], 63) for i in (0, 1)]

    def edge(t):
        return 1 / (1 + math.exp(-t / tau))

    def weight(x, y):
        return (1 - p[y][x]) * math.prod(edge(c - low[i]) * edge(high[i] - c) for i, c in enumerate((x, y)))

    total = sum(weight(x, y) for y in n for x in n)
    expected = [sum(weight(x, y) * (x, y)[i] for y in n for x in n) / total for i in (0, 1)]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
    # What the docs say of it: it lies inside the lesion that the background surrounds.
    assert prob[0, 0, round(found[1].item()), round(found[0].item())] > 0.99


@pytest.mark.parametrize("negative", PointPromptGenerator.NEGATIVES)
def test_points_move_with_the_lesion(negative):
    generator = PointPromptGenerator(negative=negative)
    a, b = (generator(disc(*centre, 5, size=96), 16).points for centre in ((40, 44), (51, 41)))
    torch.testing.assert_close(b - a, torch.tensor([11.0, -3.0], dtype=torch.float64).expand_as(a), atol=1e-5, rtol=0)


@pytest.mark.parametrize("negative", PointPromptGenerator.NEGATIVES)
def test_empty_and_full_masks_give_finite_points_in_the_frame(negative):
    prob = torch.stack([torch.zeros(1, 24, 24), torch.ones(1, 24, 24)]).requires_grad_()
    points = PointPromptGenerator(negative=negative)(prob, 16).points
    assert points[:, 0].tolist() == [[11.5, 11.5]] * 2
    assert points.min() >= 0
    assert points.max() <= 23
    (gradient,) = torch.autograd.grad(points.sum(), prob)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("negative", PointPromptGenerator.NEGATIVES)
def test_gradcheck(power, negative):
    prob = disc(4.3, 7.1, 3, size=14).requires_grad_()
    generator = PointPromptGenerator(power, negative)
    assert torch.autograd.gradcheck(lambda p: generator(p, 16).points, prob)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"negative": "corner"}, "far_corner"),
        ({"power": 0.5}, r"power=0\.5"),
        ({"tau": -1}, "tau=-1"),
        ({"num_std": 0}, "num_std=0"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        PointPromptGenerator(**arguments)
