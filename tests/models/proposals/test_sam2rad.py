"""Whose box it is, that it never trains, and that another encoder's embeddings are refused."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.errors import UserError
from ultraref.models.refiners import RefinerInputs
from ultraref.registry import MODELS, PROPOSALS, REFINERS
from ultraref.testing.tiny_models import tiny_refiner, tiny_sam2rad

HEAD = dict(type="QualityHead", feature_channels=32, embed_channels=4, hidden_channels=8)


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")


def config(**options):
    parts = {part: tiny_sam2rad()[part] for part in ("sam", "prompt_predictor")}
    return dict(parts, type="SAM2RadProposal", **options)


def build(**options):
    return PROPOSALS.build(config(**options))


@pytest.fixture
def trained(tmp_path):
    """A SAM2Rad, and the checkpoint of it."""
    torch.manual_seed(3)
    model = MODELS.build(tiny_sam2rad()).eval()
    path = tmp_path / "best.pth"
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return model, str(path)


def test_the_box_is_that_of_its_mask(trained):
    model, path = trained
    proposal = build(checkpoint=path, margin=0.0)
    image = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 255
    with torch.no_grad():
        embedding = model.embed(dict(sam_image=image))
        output = model.segment(dict(sam_image=image, embedding=embedding))
        mask = model.probability(output) > 0.5
        # The box lies around one part of the mask, the heaviest, if it has several.
        found = proposal(torch.zeros(3, 1, 64, 64), embedding)
    assert found.rows.tolist() == mask.flatten(1).any(dim=1).nonzero()[:, 0].tolist()
    for row, box in zip(found.rows, found.boxes):
        left, top, right, bottom = box.int().tolist()
        inside = mask[row, 0, top : bottom + 1, left : right + 1]
        # Tight on all four sides.
        assert all(side.any() for side in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


def test_it_keeps_no_encoder_and_never_trains():
    proposal = build().train()
    assert not [name for name in proposal.state_dict() if "image_encoder" in name]
    assert not any(p.requires_grad for p in proposal.parameters())
    assert not any(part.training for part in proposal.modules())


def searching(path, **sam):
    refiner = tiny_refiner(
        type="SearchingRefiner",
        roi=None,
        prompts=dict(box=dict(type="ComponentBoxPromptGenerator")),
        components=dict(min_share=0.2),
        quality_head=HEAD,
        proposals=dict(opinion=config(checkpoint=path)),
    )
    return REFINERS.build(dict(refiner, sam=dict(tiny_sam2rad()["sam"], **sam)))


def batch():
    prob = torch.zeros(2, 1, 64, 64)
    prob[:, 0, 20:40, 10:50] = 0.8
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 255
    return RefinerInputs(image, prob)


def test_another_encoder_is_refused(trained):
    model, path = trained
    refiner = searching(path).eval()
    with torch.no_grad():
        with pytest.raises(UserError, match="trained behind another image encoder"):
            refiner(batch())
        refiner.sam.image_encoder.load_state_dict(model.sam.image_encoder.state_dict())
        output = refiner(batch())
        assert output.alternatives.rows.tolist() == [0, 1]
        # A whole model's checkpoint carries the digest, so that a test without the SAM2Rad's file knows it too.
        again = searching(None).eval()
        with pytest.raises(UserError, match="isn't trained; set `checkpoint`"):
            again(batch())
        again.load_state_dict(refiner.state_dict())
        assert torch.equal(again(batch()).prob, output.prob)


def test_an_encoder_that_trains_is_refused_at_its_first_step(trained):
    model, path = trained
    refiner = searching(path, freeze=[]).train()
    refiner.sam.image_encoder.load_state_dict(model.sam.image_encoder.state_dict())
    refiner(batch())
    with torch.no_grad():
        next(refiner.sam.image_encoder.parameters()).add_(0.1)
    with pytest.raises(UserError, match="another image encoder"):
        refiner(batch())


def test_wrong_arguments_are_named():
    with pytest.raises(UserError, match="margin=-1"):
        build(margin=-1)
