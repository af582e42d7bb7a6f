import math

import pytest
import torch

from ultraref.models.gates import AgreementGate, CaseFacts, UncertaintyGate
from ultraref.models.gates.agreement import region_iou


def squares(*boxes, size=24, inside=0.9, outside=0.1):
    """(1, 1, size, size) float64: `inside` in each box (top, left, bottom, right), `outside` elsewhere."""
    prob = torch.full((1, 1, size, size), outside, dtype=torch.float64)
    for top, left, bottom, right in boxes:
        prob[..., top:bottom, left:right] = inside
    return prob


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


# 4 x 4 against 4 x 6 around it: 16 pixels of 24.
COARSE, SAM = squares((2, 2, 6, 6)), squares((2, 2, 6, 8))


@pytest.mark.parametrize(("tau", "gate_max"), [(0.7, 1.0), (0.6, 0.5)])
def test_the_gate_of_a_case_follows_the_iou_of_its_masks(tau, gate_max):
    gate = AgreementGate(tau=tau, gate_max=gate_max)(COARSE, SAM)
    expected = torch.full_like(COARSE, gate_max * sigmoid((16 / 24 - tau) / 0.05))
    torch.testing.assert_close(gate, expected)


def test_masks_that_are_both_empty_agree():
    nothing = squares()
    torch.testing.assert_close(AgreementGate(tau=1.0)(nothing, nothing), torch.full_like(nothing, 0.5))


def test_each_component_has_a_gate_of_its_own():
    coarse = squares((2, 2, 6, 6), (12, 2, 16, 6))
    sam = squares((2, 2, 6, 8), (12, 2, 16, 6), (20, 20, 22, 22))
    gate = AgreementGate(by="component")(coarse, sam)[0, 0]
    assert gate[3, 3].item() == gate[3, 7].item() == pytest.approx(sigmoid((16 / 24 - 0.7) / 0.05))
    assert gate[13, 3].item() == pytest.approx(sigmoid(0.3 / 0.05))
    # What SAM alone sees is left out; outside is the case's: 32 pixels of 24 + 16 + 4.
    assert gate[21, 21].item() == pytest.approx(sigmoid(-0.7 / 0.05))
    assert gate[23, 0].item() == pytest.approx(sigmoid((32 / 44 - 0.7) / 0.05))


def test_multiplies_another_gate():
    inner = {"type": "UncertaintyGate", "gate_max": 0.5}
    product = AgreementGate(gate=inner)(COARSE, SAM)
    torch.testing.assert_close(product, AgreementGate()(COARSE, SAM) * UncertaintyGate(gate_max=0.5)(COARSE, SAM))
    assert AgreementGate(gate={"type": "LearnedGate", "feature_channels": 4}).feature_channels == 4


@pytest.mark.parametrize("by", ["case", "component"])
def test_gradient_is_that_of_the_soft_iou(by):
    coarse, sam = COARSE.clone().requires_grad_(), SAM.clone().requires_grad_()
    gate = AgreementGate(by=by)
    opened = gate(coarse, sam)[..., 3, 3]
    gradients = torch.autograd.grad(opened.sum(), (coarse, sam))

    region = torch.ones_like(COARSE) if by == "case" else ((COARSE > 0.5) | (SAM > 0.5)).double()
    soft = ((coarse * sam * region).sum() + 1) / (((coarse + sam - coarse * sam) * region).sum() + 1)
    value = opened.item()
    expected = torch.autograd.grad(value * (1 - value) / 0.05 * soft, (coarse, sam))
    for found, wanted in zip(gradients, expected):
        torch.testing.assert_close(found, wanted)
        assert wanted.abs().max() > 0


def test_iou_is_exact_whatever_the_soft_one_is():
    assert region_iou(COARSE, SAM, torch.zeros_like(COARSE, dtype=torch.long)).unique().tolist() == [
        pytest.approx(16 / 24, abs=1e-7)
    ]


def test_another_score_opens_it_and_what_is_not_known_keeps_it_closed():
    predicted = torch.tensor([[0.5, 0.52, 0.1], [torch.nan] * 3], dtype=torch.float64)
    facts = CaseFacts(torch.zeros(2), quality=predicted)
    masks = COARSE.expand(2, -1, -1, -1), SAM.expand(2, -1, -1, -1)
    gate = AgreementGate(score="gain", tau=0.0, width=0.01, gate_max=0.5)
    assert gate.reads_facts
    opened = gate(*masks, facts=facts)
    torch.testing.assert_close(opened[0], torch.full_like(opened[0], 0.5 * sigmoid(2)))
    assert opened[1].max() == 0
    by_quality = AgreementGate(score="quality", tau=0.5, width=0.02)(*masks, facts=facts)
    torch.testing.assert_close(by_quality[0], torch.full_like(opened[0], sigmoid(1)))


@pytest.mark.parametrize(
    "options", [{"score": "luck"}, {"score": "gain", "by": "component"}, {"score": "quality", "tau": -0.1}]
)
def test_wrong_scores_are_named(options):
    with pytest.raises(ValueError, match=r"score|tau"):
        AgreementGate(**options)


@pytest.mark.parametrize("options", [{"tau": 1.5}, {"width": 0}, {"gate_max": -0.1}, {"by": "pixel"}])
def test_wrong_arguments_are_named(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        AgreementGate(**options)
