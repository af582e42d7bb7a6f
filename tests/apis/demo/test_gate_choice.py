"""The gate that the page applies."""

import pytest
import torch

from ultraref.apis.demo.gate_choice import GateChoice
from ultraref.errors import UserError
from ultraref.structures import SegDataSample

COARSE, SAM, GATE = torch.tensor([[[0.0, 0.2, 0.5, 1.0]]]), torch.tensor([[[1.0, 1.0, 1.0, 0.0]]]), 0.4


@pytest.fixture
def sample():
    sample = SegDataSample()
    for name, value in (("coarse", COARSE), ("sam", SAM), ("gate", torch.full_like(COARSE, GATE))):
        sample.set_pixels(name, value)
    sample.set_pixels("refined", torch.lerp(COARSE, SAM, GATE))
    return sample


def test_the_models_own_gate_changes_nothing_until_it_is_capped(sample):
    assert torch.equal(GateChoice().apply(sample).refined.data, sample.refined.data)
    capped = GateChoice("model", 0.1).apply(sample)
    assert torch.allclose(capped.gate.data, torch.full_like(COARSE, 0.1))
    assert torch.allclose(capped.refined.data, COARSE + 0.1 * (SAM - COARSE))
    assert torch.allclose(sample.gate.data, torch.full_like(COARSE, GATE))


def test_a_constant_gate_is_exact_at_both_ends(sample):
    assert torch.equal(GateChoice("constant", 0.0).apply(sample).refined.data, COARSE)
    assert torch.equal(GateChoice("constant", 1).apply(sample).refined.data, SAM)


def test_the_uncertainty_gate_opens_up_to_the_cap_where_the_coarse_mask_is_unsure(sample):
    # 1 - |2p - 1| of 0, 0.2, 0.5, 1, times the cap.
    expected = 0.6 * torch.tensor([[[0.0, 0.4, 1.0, 0.0]]])
    assert torch.allclose(GateChoice("uncertainty", 0.6).apply(sample).gate.data, expected)


def test_without_a_coarse_mask_there_is_nothing_to_gate(sample):
    del sample.coarse, sample.gate
    assert GateChoice("constant", 0.0).apply(sample) is sample


@pytest.mark.parametrize(
    ("kind", "cap"), [("learned", 1), ("model", 1.5), ("model", float("nan")), ("model", "1"), ([], 1)]
)
def test_other_gates_are_refused(kind, cap):
    with pytest.raises(UserError, match="gate"):
        GateChoice(kind, cap)
