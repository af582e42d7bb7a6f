import pytest
import torch

from ultraref.errors import UserError
from ultraref.models.gates import CaseFacts, ConformalGate, HybridGate, UncertaintyGate


def cases():
    """p and q (3, 1, 4, 4): masks of 8 pixels of which 8, 4 and 0 are shared, IoU 1, 1/3 and 0."""
    coarse = torch.full((3, 1, 4, 4), 0.2)
    coarse[:, :, :2] = 0.9
    sam = torch.full((3, 1, 4, 4), 0.1)
    for case, top in enumerate((0, 1, 2)):
        sam[case, :, top : top + 2] = 0.7
    return coarse, sam


def calibrated(threshold, **options):
    gate = ConformalGate(**options).eval()
    gate.set_threshold(threshold)
    return gate


def test_accepts_from_the_threshold_on_and_keeps_the_coarse_mask_elsewhere():
    coarse, sam = cases()
    assert ConformalGate().scores(coarse, sam, None).tolist() == pytest.approx([1, 1 / 3, 0])
    gate = calibrated(float(torch.tensor(1 / 3)))(coarse, sam)
    assert [case.unique().tolist() for case in gate] == [[1.0], [1.0], [0.0]]
    refined = torch.lerp(coarse, sam, gate)
    assert torch.equal(refined[:2], sam[:2])
    assert torch.equal(refined[2:], coarse[2:])


@pytest.mark.parametrize(("threshold", "accepted"), [(-torch.inf, 3), (torch.inf, 0)])
def test_ends_accept_all_and_nothing(threshold, accepted):
    assert calibrated(threshold)(*cases()).amax(dim=(1, 2, 3)).sum() == accepted


def test_an_accepted_case_has_the_gate_inside():
    coarse, sam = cases()
    gate = calibrated(0.5, gate={"type": "UncertaintyGate"})(coarse, sam)
    assert torch.equal(gate[:1], UncertaintyGate()(coarse, sam)[:1])
    assert gate[1:].max() == 0
    assert ConformalGate(gate={"type": "LearnedGate", "feature_channels": 4}).feature_channels == 4


def test_predicted_iou_is_a_score_and_where_there_is_none_nothing_is_accepted():
    facts = CaseFacts(predicted_iou=torch.tensor([0.4, 0.9, torch.nan]))
    gate = calibrated(0.5, score="predicted_iou")
    assert gate(*cases(), facts=facts).amax(dim=(1, 2, 3)).tolist() == [0, 1, 0]
    # A gate that multiplies others hands it on.
    product = HybridGate({"type": "UncertaintyGate"}, {"type": "ConformalGate", "score": "predicted_iou"}).eval()
    product.learned.set_threshold(0.5)
    assert product.reads_facts
    assert (product(*cases(), facts=facts).amax(dim=(1, 2, 3)) > 0).tolist() == [False, True, False]


def test_the_quality_heads_predictions_are_scores():
    facts = CaseFacts(torch.zeros(3), quality=torch.tensor([[0.5, 0.7, 0.1], [0.9, 0.8, 0.4], [torch.nan] * 3]))
    for score, expected in (("quality", [0.7, 0.8]), ("gain", [0.2, -0.1]), ("safety", [0.9, 0.6])):
        gate = calibrated(expected[0] - 0.01, score=score)
        assert gate.scores(*cases(), facts).tolist()[:2] == pytest.approx(expected)
        accepted = [value > expected[0] - 0.01 for value in expected] + [False]
        assert (gate(*cases(), facts=facts).amax(dim=(1, 2, 3)) > 0).tolist() == accepted
    with pytest.raises(UserError, match="quality_head=dict"):
        calibrated(0.0, score="gain")(*cases(), facts=CaseFacts(torch.zeros(3)))


def test_without_calibration_it_is_not_used():
    with pytest.raises(UserError, match=r"not calibrated.*tools/calibrate_gate.py"):
        ConformalGate().eval()(*cases())


def test_it_is_not_trained_with():
    with pytest.raises(UserError, match="can't be trained with"):
        calibrated(0.5).train()(*cases())


def test_the_threshold_goes_with_the_weights():
    other = ConformalGate().eval()
    other.load_state_dict(calibrated(0.25).state_dict())
    assert other.threshold == 0.25
    assert torch.equal(other(*cases()), calibrated(0.25)(*cases()))


@pytest.mark.parametrize("threshold", [-torch.inf, torch.inf])
def test_a_checkpoint_can_hold_every_threshold(threshold):
    assert all(value.isfinite().all() for value in calibrated(threshold).state_dict().values())


def test_an_unknown_score_names_those_that_there_are():
    with pytest.raises(UserError, match="'luck'; it must be one of agreement, predicted_iou"):
        ConformalGate(score="luck")
