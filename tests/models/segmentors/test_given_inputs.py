"""What a person gives in place of what a model would make: a coarse mask, or prompts."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.models.sam import joined_by_maximum
from ultraref.registry import MODELS
from ultraref.structures import GivenPrompts, Prompts, SegDataSample
from ultraref.testing.tiny_models import tiny_refinement, tiny_sam

SIZE = 64


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")
    torch.manual_seed(0)


def images(batch: int) -> dict:
    generator = torch.Generator().manual_seed(1)
    sam_image = torch.rand(batch, 3, SIZE, SIZE, generator=generator) * 255
    return dict(sam_image=sam_image, coarse_image=torch.rand(batch, 1, 32, 32, generator=generator))


def boxes(*rows: int) -> GivenPrompts:
    corners = torch.tensor([[8.0 + 4 * i, 8.0, 40.0 + 4 * i, 40.0] for i in range(len(rows))])
    return GivenPrompts(torch.tensor(rows), Prompts(box=corners))


@torch.no_grad()
def test_a_given_coarse_mask_takes_the_place_of_the_networks():
    joint = MODELS.build(tiny_refinement()).eval()
    stored = MODELS.build(
        tiny_refinement(coarse_source=dict(type="FromSample", size=32), losses={}, loss_weights={})
    ).eval()
    stored.refiner.load_state_dict(joint.refiner.state_dict())
    p = torch.zeros(2, 1, 32, 32)
    p[:, :, 8:20, 10:24] = 0.9
    expected = stored.refine(dict(images(2), coarse_prob=p))
    found = joint.refine(dict(images(2), given_coarse_prob=p))
    assert torch.equal(found.coarse_prob, expected.coarse_prob)
    assert torch.equal(found.refined_prob, expected.refined_prob)


@torch.no_grad()
def test_given_prompts_are_what_sam_is_asked_and_the_gate_stays_out():
    model = MODELS.build(tiny_refinement(gate=dict(type="ConstantGate", value=0.0))).eval()
    inputs, given = images(2), boxes(0, 1)
    output = model.refine(dict(inputs, given_prompts=given))
    embedding = model.refiner.sam.encode(model.refiner.sam.normalise(inputs["sam_image"]))
    logits, iou = model.refiner.sam.decode(embedding, given.prompts, multimask_output=True)
    chosen = logits[torch.arange(2), iou.argmax(1)][:, None]
    expected = torch.nn.functional.interpolate(chosen, (SIZE, SIZE), mode="bilinear").sigmoid()
    torch.testing.assert_close(output.refined_prob, expected)


@torch.no_grad()
def test_several_boxes_of_one_image_are_joined_by_the_maximum():
    model = MODELS.build(tiny_refinement()).eval()
    inputs, both = images(1), boxes(0, 0)
    output = model.refine(dict(inputs, given_prompts=both))
    alone = [
        model.refine(dict(inputs, given_prompts=GivenPrompts(torch.tensor([0]), Prompts(box=box[None])))).refined_prob
        for box in both.prompts.box
    ]
    torch.testing.assert_close(output.refined_prob, torch.maximum(*alone))


@torch.no_grad()
def test_an_empty_coarse_mask_does_not_silence_a_person():
    model = MODELS.build(
        tiny_refinement(coarse_source=dict(type="FromSample", size=32), losses={}, loss_weights={})
    ).eval()
    output = model.refine(dict(images(1), given_coarse_prob=torch.zeros(1, 1, 32, 32), given_prompts=boxes(0)))
    assert output.refined_prob.max() > 0
    assert not output.sam.empty.any()


@torch.no_grad()
def test_sam2rad_takes_given_prompts_and_says_what_iou_it_predicts():
    config = dict(
        type="SAM2RadSegmentor",
        sam=tiny_sam(SIZE),
        prompt_predictor=dict(type="QueryPromptPredictor", num_heads=2),
        losses={},
        loss_weights={},
    )
    model = MODELS.build(config).eval()
    samples = [SegDataSample(metainfo=dict(name=str(i))) for i in range(2)]
    filled = model(dict(images(2), given_prompts=boxes(0, 0, 1)), samples, mode="predict")
    assert [len(sample.prompts.box) for sample in filled] == [2, 1]
    output = model.segment(dict(images(2), given_prompts=boxes(0, 0, 1)))
    assert filled[0].metainfo["predicted_iou"] == pytest.approx(float(output.iou[:2].mean()))
    torch.testing.assert_close(filled[1].refined.data, model.probability(output)[2])


def test_joining_keeps_the_greatest_answer_of_each_image():
    answers = torch.tensor([0.2, 0.7, 0.5]).view(3, 1, 1, 1)
    joined = joined_by_maximum(answers, torch.tensor([0, 0, 2]), 3)
    assert joined.flatten().tolist() == pytest.approx([0.7, 0.0, 0.5])
