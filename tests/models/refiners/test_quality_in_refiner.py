"""A quality head in the path: it changes nothing but what it predicts, and gates and selection can go by it."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from ultraref.errors import UserError
from ultraref.models.refiners import RefinerInputs
from ultraref.models.refiners.box_variants import box_stability, scaled_box
from ultraref.models.sam import ImageEmbedding
from ultraref.registry import MODELS, REFINERS
from ultraref.structures import Prompts, SegDataSample
from ultraref.testing.tiny_models import tiny_refinement, tiny_refiner

HEAD = dict(type="QualityHead", feature_channels=32, embed_channels=4, hidden_channels=8, box_scales=(0.9, 1.1))
BOX = dict(box=dict(type="ComponentBoxPromptGenerator", jitter=0.05))
COMPONENTS = dict(roi=None, prompts=BOX, components=dict(min_share=0.2))


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")


def masks():
    """p of two lesions, of none and of one; (3, 1, 64, 64)."""
    prob = torch.zeros(3, 1, 64, 64)
    prob[0, 0, 4:20, 4:20] = prob[0, 0, 40:56, 30:46] = 0.9
    prob[2, 0, 20:40, 10:50] = 0.8
    return prob


def images(size=64):
    return torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(1)) * 255


def model(**refiner):
    torch.manual_seed(0)
    config = tiny_refinement(
        coarse_source=dict(type="FromSample", size=64),
        refiner=tiny_refiner(**dict(COMPONENTS, **refiner)),
        gate=dict(type="LearnedGate", channels=4),
        losses=dict(candidate_mask=dict(type="BCEDiceLoss"), refined=dict(type="BCEDiceLoss")),
        loss_weights=dict(candidate_mask=1.0, refined=1.0),
    )
    if "quality_head" in refiner:
        config["losses"] = dict(config["losses"], quality=dict(type="QualityLoss"))
        config["loss_weights"] = dict(config["loss_weights"], quality=1.0)
    return MODELS.build(config)


@pytest.mark.parametrize(
    "options",
    [COMPONENTS, dict(roi=None), dict(roi=dict(type="LesionROICropper"), prompts=BOX)],
    ids=["parts", "whole", "roi"],
)
def test_what_sam_says_is_the_same_with_a_head(options):
    torch.manual_seed(0)
    plain = REFINERS.build(tiny_refiner(**options)).eval()
    torch.manual_seed(0)
    judged = REFINERS.build(tiny_refiner(**options, quality_head=HEAD)).eval()
    with torch.no_grad():
        expected, found = plain(RefinerInputs(images(), masks())), judged(RefinerInputs(images(), masks()))
    for name in ("prob", "candidate_logits", "candidate_iou", "empty", "rows"):
        assert torch.equal(getattr(expected, name), getattr(found, name)), name
    assert expected.quality is None
    known = found.quality.isfinite().all(dim=1)
    # The second mask is empty.
    assert known.tolist() == [True, False, True]
    assert 0 <= found.quality[known].min() <= found.quality[known].max() <= 1


def test_the_rest_trains_as_without_it_bit_for_bit():
    """Gradients are clipped, boxes jittered, and the head drops out: none of it couples the two."""
    states = []
    for head in ({}, dict(quality_head=HEAD)):
        trained = model(**head).train()
        groups = {"refiner.quality_head": dict(lr=1e-2)} if head else {}
        wrapper = build_optim_wrapper(
            trained,
            dict(
                type="GroupClipOptimWrapper",
                optimizer=dict(type="AdamW", lr=1e-3),
                clip_grad=dict(max_norm=0.1),
                constructor="GlobOptimWrapperConstructor",
                paramwise_cfg=dict(groups={**groups, "refiner.sam": dict(), "gate": dict()}),
            ),
        )
        for step in range(2):
            # As ReseedHook does.
            torch.manual_seed(step)
            losses = trained(dict(sam_image=images(), coarse_prob=masks(), gt=masks().round()), mode="loss")
            wrapper.update_params(sum(losses.values()))
        states.append(trained.state_dict())
    plain, judged = states
    assert all(torch.equal(value, judged[name]) for name, value in plain.items())
    fresh = model(quality_head=HEAD).state_dict()
    changed = [not torch.equal(fresh[name], judged[name]) for name in judged if "quality_head" in name]
    assert all(changed)


def test_no_case_to_judge_is_no_loss():
    judged = model(quality_head=HEAD)
    losses = judged(dict(sam_image=images(), coarse_prob=masks() * 0, gt=masks().round()), mode="loss")
    assert losses["loss_quality"] == 0
    assert sum(losses.values()).isfinite()


def test_predictions_go_into_the_sample():
    samples = [SegDataSample(metainfo=dict(name=str(i))) for i in range(3)]
    with torch.no_grad():
        filled = model(quality_head=HEAD).eval()(dict(sam_image=images(), coarse_prob=masks()), samples, mode="predict")
    assert [sample.metainfo["predicted_dice"] is None for sample in filled] == [False, True, False]
    assert len(filled[0].metainfo["predicted_dice"]) == 2
    assert 0 <= filled[0].metainfo["predicted_harm"] <= 1
    assert filled[1].metainfo["predicted_harm"] is None


class Favourite(torch.nn.Module):
    """Predicts of SAM's mask its share of the frame."""

    box_scales = ()

    def forward(self, evidence):
        area = (evidence.sam_prob > 0.5).flatten(1).float().mean(dim=1)
        return torch.stack([torch.zeros_like(area), area, area], dim=1)


def test_selection_takes_the_candidate_that_the_head_prefers():
    torch.manual_seed(0)
    refiner = REFINERS.build(tiny_refiner(roi=None, selection="quality", quality_head=HEAD)).eval()
    refiner.quality_head = Favourite()
    with torch.no_grad():
        output = refiner(RefinerInputs(images(), masks()))
    best = (output.candidate_logits > 0).flatten(2).sum(dim=2).argmax(dim=1)
    chosen = output.candidate_logits[torch.arange(3), best][:, None]
    expected = torch.nn.functional.interpolate(chosen, (64, 64), mode="bilinear", align_corners=False).sigmoid()
    assert torch.equal(output.prob, expected)


def test_what_needs_a_head_says_so():
    with pytest.raises(UserError, match="no quality_head"):
        REFINERS.build(tiny_refiner(selection="quality"))
    losses = dict(losses=dict(quality=dict(type="QualityLoss")), loss_weights=dict(quality=1.0))
    source = dict(type="FromSample", size=64)
    for options, mode in ((losses, "loss"), (dict(gate=dict(type="AgreementGate", score="gain")), "tensor")):
        config = dict(
            dict(losses={}, loss_weights={}), coarse_source=source, refiner=tiny_refiner(**COMPONENTS), **options
        )
        built = MODELS.build(tiny_refinement(**config))
        with pytest.raises(UserError, match=r"model\.refiner\.quality_head"):
            built(dict(sam_image=images(), coarse_prob=masks(), gt=masks()), mode=mode)


class BoxPainter:
    """A SAM whose answer is the box itself."""

    image_size = 16

    def decode(self, embedding, prompts, multimask_output):
        places = torch.arange(16.0)
        low, high = prompts.box.split(2, dim=1)
        inside = [(places >= low[:, i, None]) & (places <= high[:, i, None]) for i in (0, 1)]
        logits = (inside[1][:, :, None] & inside[0][:, None, :]).float()[:, None] - 0.5
        return logits, torch.ones(len(logits), 1)


def test_stability_is_the_iou_with_the_answers_to_scaled_boxes():
    sam, box = BoxPainter(), torch.tensor([[4.0, 4.0, 11.0, 11.0], [0.0, 0.0, 7.0, 7.0]])
    prompts, embedding = Prompts(box=box), ImageEmbedding(torch.zeros(2, 1, 1, 1))
    selected, _ = sam.decode(embedding, prompts, False)
    # 8 px at 1.5 are 12 px, in the corner 10; at 0.5 they are 4 px.
    found = box_stability(sam, embedding, prompts, selected, (1.5, 0.5), False)
    assert found.tolist() == pytest.approx([(64 / 144 + 16 / 64) / 2, (64 / 100 + 16 / 64) / 2])
    assert box_stability(sam, embedding, prompts, selected, (), False).tolist() == [1, 1]
    assert scaled_box(box[:1], 1.5, 16).tolist() == [[2, 2, 13, 13]]
