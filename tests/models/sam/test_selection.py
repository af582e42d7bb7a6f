import pytest
import torch

from ultraref.models.sam import select_candidates

IOU = torch.tensor([[0.5, 0.9, 0.1], [0.2, 0.3, 0.7]])


def test_best_takes_the_highest_predicted_iou():
    logits = torch.randn(2, 3, 4, 5)
    expected = torch.stack([logits[0, 1:2], logits[1, 2:3]])
    assert torch.equal(select_candidates(logits, IOU, "best"), expected)


def test_soft_averages_with_the_softmax():
    logits = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    weights = torch.exp(IOU.double() / 0.1)
    weights = weights / weights.sum(1, keepdim=True)
    expected = sum(weights[:, k, None, None] * logits[:, k] for k in range(3)).unsqueeze(1)
    torch.testing.assert_close(select_candidates(logits, IOU.double(), "soft"), expected)


def test_soft_tends_to_best_as_it_cools():
    logits = torch.randn(2, 3, 4, 5)
    cold = select_candidates(logits, IOU, "soft", temperature=1e-3)
    torch.testing.assert_close(cold, select_candidates(logits, IOU, "best"))


def test_soft_passes_gradients_to_the_iou():
    logits, iou = torch.randn(2, 3, 4, 5), IOU.clone().requires_grad_()
    select_candidates(logits, iou, "soft").square().sum().backward()
    assert iou.grad.abs().sum() > 0


@pytest.mark.parametrize("mode", ["best", "soft"])
def test_a_single_candidate_is_itself(mode):
    logits = torch.randn(2, 1, 4, 5)
    torch.testing.assert_close(select_candidates(logits, torch.rand(2, 1), mode), logits)


def test_unknown_mode_is_an_error():
    with pytest.raises(ValueError, match="'first' is not known; give 'best' or 'soft'"):
        select_candidates(torch.zeros(1, 3, 2, 2), torch.zeros(1, 3), "first")
