"""SAM2Rad in the place of the coarse network."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.registry import COARSE_SOURCES, MODELS
from ultraref.testing.tiny_models import tiny_refinement, tiny_sam

SAM2RAD = {
    "type": "SAM2RadSegmentor",
    "sam": tiny_sam(64),
    "prompt_predictor": {"type": "PPN", "hidden_dim": 16},
    "losses": {},
    "loss_weights": {},
}


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")
    torch.manual_seed(0)


def test_probability_is_that_of_sam2rad_and_the_logits_agree(tmp_path):
    trained = MODELS.build(SAM2RAD).eval()
    path = tmp_path / "best.pth"
    torch.save({"state_dict": trained.state_dict(), "meta": {"trained_on": ["a"]}}, path)
    source = COARSE_SOURCES.build({"type": "FromSAM2Rad", "model": SAM2RAD, "checkpoint": str(path)}).eval()
    inputs = {"sam_image": torch.rand(2, 3, 64, 64) * 255}
    with torch.no_grad():
        output = source(inputs)
        assert torch.equal(output.prob, trained(inputs).logits.sigmoid())
    torch.testing.assert_close(output.logits.softmax(dim=1)[:, 1:], output.prob)


def test_refinement_model_runs_on_it():
    config = tiny_refinement(
        coarse_source={"type": "FromSAM2Rad", "model": SAM2RAD},
        losses={"refined": {"type": "BCEDiceLoss"}},
        loss_weights={"refined": 1.0},
    )
    model = MODELS.build(config).train()
    inputs = {"sam_image": torch.rand(2, 3, 64, 64) * 255, "gt": torch.zeros(2, 1, 64, 64)}
    losses = model(inputs, mode="loss")
    losses["loss_refined"].backward()
    gradient = model.get_parameter("coarse_source.model.sam.mask_decoder.mask_tokens.weight").grad
    assert gradient.abs().max() > 0
    with torch.no_grad():
        assert model.eval()(inputs).refined_prob.shape == (2, 1, 64, 64)
