import pytest
import torch

from ultraref.models.mask_statistics import mask_statistics
from ultraref.models.prob_transforms import ProbFloor
from ultraref.models.prompts import MaskPromptGenerator


def test_values():
    prob = torch.tensor([0.0, 0.1, 0.2, 0.32, 0.5, 0.6, 1.0], dtype=torch.float64).view(1, 1, 1, 7)
    # 0.5 * 0.12 / 0.3 at 0.32; what is at least 0.5 stays.
    assert ProbFloor(0.2)(prob).flatten().tolist() == pytest.approx([0, 0, 0, 0.2, 0.5, 0.6, 1])
    torch.testing.assert_close(ProbFloor(0.0)(prob), prob)


@pytest.mark.parametrize("floor", [0.0, 0.05, 0.2, 0.45])
def test_the_mask_stays_and_so_does_the_edge_of_the_mask_prompt(floor):
    prob = torch.rand(1, 1, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.equal(ProbFloor(floor)(prob) > 0.5, prob > 0.5)
    edge = torch.full((1, 1, 8, 8), 0.5, dtype=torch.float64)
    logits = MaskPromptGenerator(style="direct")(ProbFloor(floor)(edge), 4).mask_logits
    torch.testing.assert_close(logits, torch.zeros_like(logits))


def test_background_loses_its_weight():
    prob = torch.full((1, 1, 224, 224), 0.005, dtype=torch.float64)
    prob[..., 40:52, 60:72] = 1
    assert mask_statistics(prob).centroid[0].tolist() != pytest.approx([65.5, 45.5], abs=10)
    statistics = mask_statistics(ProbFloor(0.01)(prob))
    assert statistics.mass.item() == pytest.approx(144)
    assert statistics.centroid[0].tolist() == pytest.approx([65.5, 45.5])


def test_gradcheck_above_and_below_the_floor():
    prob = torch.linspace(0.01, 0.99, 16, dtype=torch.float64).view(1, 1, 4, 4).requires_grad_()
    assert torch.autograd.gradcheck(ProbFloor(0.3), prob)


@pytest.mark.parametrize("floor", [-0.1, 0.5, float("nan")])
def test_wrong_argument_is_named(floor):
    with pytest.raises(ValueError, match="floor="):
        ProbFloor(floor)
