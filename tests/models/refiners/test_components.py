"""SAM asked about the components of a coarse mask one by one."""

import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from ultraref.errors import UserError
from ultraref.models.refiners import RefinerInputs
from ultraref.models.refiners.components import mask_iou
from ultraref.models.sam import ImageEmbedding
from ultraref.registry import GATES, MODELS, REFINERS
from ultraref.testing.tiny_models import tiny_refinement, tiny_refiner

BOX = dict(box=dict(type="ComponentBoxPromptGenerator", margin=0.0))


@MODELS.register_module(force=True)
class BoxPaintingSAM(nn.Module):
    """A SAM whose answer is known: the box that it was given, filled."""

    def __init__(self, size: int = 64):
        super().__init__()
        self.image_size, self.mask_size, self.embed_dim, self.embedding_size = size, size, 4, 4
        self.image_encoder = SimpleNamespace(scale="minmax")
        self.calls = []

    def normalise(self, image, content_size=None):
        return image

    def encode(self, image):
        return ImageEmbedding(image.new_zeros(len(image), 4, 4, 4))

    def decode(self, embedding, prompts, multimask_output=True):
        self.calls.append(len(prompts.box))
        assert len(embedding.features) == len(prompts.box)
        x1, y1, x2, y2 = (prompts.box[:, i, None, None] for i in range(4))
        place = torch.arange(self.mask_size, dtype=torch.float32)
        inside = (place >= x1) & (place <= x2) & (place[:, None] >= y1) & (place[:, None] <= y2)
        return torch.where(inside, 20.0, -20.0)[:, None], torch.ones(len(prompts.box), 1)


def discs(*centres_and_radii, size: int = 64):
    """p of 0.9 in discs, (1, 1, size, size)."""
    place = torch.arange(size)
    prob = torch.zeros(1, 1, size, size)
    for y, x, radius in centres_and_radii:
        prob[0, 0, (place[:, None] - y) ** 2 + (place - x) ** 2 <= radius**2] = 0.9
    return prob


def boxes_of(*centres_and_radii):
    """The squares around discs, (1, 1, 64, 64) bool."""
    mask = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    for y, x, radius in centres_and_radii:
        mask[..., y - radius : y + radius + 1, x - radius : x + radius + 1] = True
    return mask


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")
    torch.manual_seed(0)


def build(**options):
    options = dict(dict(roi=None, prompts=BOX, components=dict(min_share=0.2)), **options)
    return REFINERS.build(tiny_refiner(**options)).eval()


def two_lesions():
    """Image 0 has two lesions of 16 x 16 and a speck, image 1 none, image 2 one."""
    prob = torch.zeros(3, 1, 64, 64)
    prob[0, 0, 4:20, 4:20] = prob[0, 0, 40:56, 30:46] = 0.9
    prob[0, 0, 60, 60] = 0.9
    prob[2, 0, 20:40, 10:50] = 0.8
    return torch.rand(3, 3, 64, 64) * 255, prob


def alone(prob, rows, columns):
    """p with one lesion, the others removed."""
    single = torch.zeros_like(prob[:1])
    single[0, 0, rows, columns] = prob[0, 0, rows, columns]
    return single


@pytest.mark.parametrize("roi", [None, dict(type="LesionROICropper")])
def test_q_is_the_maximum_over_components_asked_alone(roi):
    refiner, (image, prob) = build(roi=roi), two_lesions()
    with torch.no_grad():
        output = refiner(RefinerInputs(image, prob))
        parts = [alone(prob, slice(4, 20), slice(4, 20)), alone(prob, slice(40, 56), slice(30, 46))]
        expected = torch.maximum(*(refiner(RefinerInputs(image[:1], part)).prob for part in parts))
    assert output.rows.tolist() == [0, 0, 2]
    assert output.candidate_logits.shape[0] == output.candidate_iou.shape[0] == len(output.prompts.box) == 3
    torch.testing.assert_close(output.prob[:1], expected, atol=1e-5, rtol=0)
    # An image without a component keeps p.
    assert torch.equal(output.prob[1], prob[1])


LARGE, SMALL, SPECK = (16, 16, 9), (46, 44, 7), (8, 56, 2)
# The share of the three discs' area is 0.58, 0.35 and 0.03 of 253 + 149 + 13 pixels.
EACH = dict(min_share=0.01, min_area=20, max_lesions=8, rest="keep")


@pytest.mark.parametrize("roi", [None, dict(type="LesionROICropper", min_size=0.6, cap=True)])
def test_each_of_two_discs_gets_its_own_prompts_in_one_call(roi):
    refiner = build(sam=dict(type="BoxPaintingSAM"), roi=roi, components=EACH)
    image, prob = torch.zeros(2, 3, 64, 64), torch.cat([discs(LARGE, SMALL), discs(SMALL)])
    output = refiner(RefinerInputs(image, prob))
    assert output.rows.tolist() == [0, 0, 1]
    assert refiner.sam.calls == [3]
    expected = torch.cat([boxes_of(LARGE, SMALL), boxes_of(SMALL)])
    if roi is None:
        assert torch.equal(output.prob > 0.5, expected)
    else:
        # Through crop and paste, to a pixel of the outline.
        assert ((output.prob > 0.5) ^ expected).sum(dim=(1, 2, 3)).max() <= 4 * 19
    # One component is what it is alone, bit for bit.
    assert torch.equal(refiner(RefinerInputs(image[1:], prob[1:])).prob, output.prob[1:])
    assert torch.equal(
        output.prob[1:],
        build(sam=dict(type="BoxPaintingSAM"), roi=roi, components=None)(RefinerInputs(image[1:], prob[1:])).prob,
    )


def test_a_box_around_two_discs_holds_what_lies_between():
    refiner = build(sam=dict(type="BoxPaintingSAM"), components=None)
    whole = refiner(RefinerInputs(torch.zeros(1, 3, 64, 64), discs(LARGE, SMALL))).prob > 0.5
    assert whole.sum() == (46 + 7 - 7 + 1) * (44 + 7 - 7 + 1)


@pytest.mark.parametrize(
    ("settings", "asked", "left"),
    [
        (dict(EACH), [LARGE, SMALL], discs(SPECK)),
        (dict(EACH, rest="drop"), [LARGE, SMALL], None),
        (dict(EACH, max_lesions=1), [LARGE], discs(SMALL, SPECK)),
        (dict(EACH, min_area=5), [LARGE, SMALL, SPECK], None),
        (dict(EACH, min_area=300), [], discs(LARGE, SMALL, SPECK)),
    ],
)
def test_the_cap_the_least_area_and_the_rest(settings, asked, left):
    refiner = build(sam=dict(type="BoxPaintingSAM"), components=settings)
    image, prob = torch.zeros(1, 3, 64, 64), discs(LARGE, SMALL, SPECK)
    output = refiner(RefinerInputs(image, prob, with_logits=True))
    assert len(output.rows) == len(asked)
    expected = boxes_of(*asked).float()
    if left is not None:
        expected = torch.maximum(expected, left)
    torch.testing.assert_close(output.prob, expected, atol=1e-6, rtol=0)
    if asked and left is not None:
        assert not output.from_logits[left > 0].any()


def test_the_least_area_is_in_coarse_pixels():
    refiner = build(sam=dict(type="BoxPaintingSAM"), components=dict(EACH, min_area=40))
    image, prob = torch.zeros(1, 3, 64, 64), discs(LARGE, SMALL)
    # A coarse pixel of a 32 px frame is 4 of these: 253 / 4 and 149 / 4 coarse pixels.
    assert len(refiner(RefinerInputs(image, prob, 32)).rows) == 1
    assert len(refiner(RefinerInputs(image, prob, 64)).rows) == 2


def test_gradients_reach_each_lesion_and_what_is_kept():
    refiner, (image, prob) = build(components=EACH), two_lesions()
    prob.requires_grad_()
    refiner(RefinerInputs(image, prob)).prob.square().mean().backward()
    assert torch.isfinite(prob.grad).all()
    for rows, columns in ((slice(4, 20), slice(4, 20)), (slice(40, 56), slice(30, 46)), (60, 60)):
        assert prob.grad[0, 0, rows, columns].abs().max() > 0


def test_a_checkpoint_of_before_the_newer_settings_still_fits():
    old = dict(min_share=0.2, threshold=0.5, keep_below_iou=0.0)
    assert build(components=dict(min_share=0.2)).input_contract()["components"] == old
    assert build(components=EACH).input_contract()["components"] == dict(old, **EACH)


def test_boxes_are_those_of_the_components():
    refiner, (image, prob) = build(), two_lesions()
    with torch.no_grad():
        boxes = refiner(RefinerInputs(image, prob)).prompts.box
    assert boxes.tolist() == [[4, 4, 19, 19], [30, 40, 45, 55], [10, 20, 49, 39]]


def test_a_component_that_sam_contradicts_is_kept():
    image, prob = two_lesions()
    with torch.no_grad():
        kept = build(components=dict(keep_below_iou=1.0))(RefinerInputs(image, prob)).prob
    # The untrained SAM agrees with nothing. The speck is no component, and belongs to no lesion.
    expected = prob.clone()
    expected[0, 0, 60, 60] = 0
    torch.testing.assert_close(kept, expected)


@pytest.mark.parametrize("roi", [None, dict(type="LesionROICropper")])
@pytest.mark.parametrize("components", [None, dict(min_share=0.2), dict(keep_below_iou=1.0)])
def test_logits_are_those_of_q(roi, components):
    refiner, (image, prob) = build(roi=roi, components=components), two_lesions()
    with torch.no_grad():
        output = refiner(RefinerInputs(image, prob, with_logits=True))
        assert torch.equal(output.prob, refiner(RefinerInputs(image, prob)).prob)
    assert refiner(RefinerInputs(image, prob)).logits is None
    # Cubic interpolation of logits and of probabilities differ; without an ROI nothing is interpolated.
    tolerance = 0.02 if roi else 1e-6
    q = output.logits.sigmoid()
    torch.testing.assert_close(q[output.from_logits], output.prob[output.from_logits], atol=tolerance, rtol=0)
    # The untrained SAM agrees with nothing, so that with keep_below_iou=1 every component stays as it is.
    assert output.from_logits.any() == (components != dict(keep_below_iou=1.0))
    if components is not None:
        assert not output.from_logits[1].any()


def test_gradients_reach_p_through_boxes_and_what_is_kept():
    refiner, (image, prob) = build(), two_lesions()
    prob.requires_grad_()
    refiner(RefinerInputs(image, prob)).prob.square().mean().backward()
    assert torch.isfinite(prob.grad).all()
    assert prob.grad[0].abs().max() > 0
    assert prob.grad[2].abs().max() > 0


def test_the_loss_of_a_batch_without_any_component_is_finite():
    losses = dict(
        candidate_mask=dict(type="BCEDiceLoss"),
        candidate_iou=dict(type="IoURegressionLoss"),
        refined=dict(type="BCEDiceLoss"),
    )
    model = MODELS.build(
        tiny_refinement(
            coarse_source=dict(type="FromSample", size=32),
            refiner=tiny_refiner(roi=None, prompts=BOX, components=dict()),
            losses=losses,
            loss_weights=dict.fromkeys(losses, 1.0),
        )
    ).train()
    inputs = dict(sam_image=torch.rand(2, 3, 64, 64) * 255, gt=torch.zeros(2, 1, 64, 64))
    result = model(dict(inputs, coarse_prob=torch.zeros(2, 1, 32, 32)), mode="loss")
    assert all(torch.isfinite(value) for value in result.values())
    assert result["loss_candidate_mask"] == 0
    lesion = torch.zeros(2, 1, 32, 32)
    lesion[0, 0, 8:20, 8:20] = lesion[0, 0, 24:30, 2:30] = 1
    inputs["gt"][0, 0, 16:40, 16:40] = 1
    result = model(dict(inputs, coarse_prob=lesion), mode="loss")
    assert all(torch.isfinite(value) for value in result.values())
    assert result["loss_candidate_mask"] > 0


def gates():
    GATES.import_from_location()
    return [dict(type=name) for name in GATES.module_dict if name.endswith("Gate")]


@pytest.mark.parametrize("components", [None, dict()])
@pytest.mark.parametrize("gate", gates(), ids=lambda gate: gate["type"])
def test_an_empty_coarse_mask_gives_an_empty_refined_one(gate, components):
    """For every registered gate, with every mass below one coarse pixel, whatever SAM would paint."""
    refiner = tiny_refiner(components=components)
    model = MODELS.build(
        tiny_refinement(coarse_source=dict(type="FromSample", size=32), gate=gate, refiner=refiner)
    ).eval()
    if hasattr(model.gate, "set_threshold"):
        # Calibrated so that it takes whatever SAM says.
        model.gate.set_threshold(-math.inf)
    faint = torch.full((2, 1, 32, 32), 0.5 / 1024)
    faint[1] = 0
    with torch.no_grad():
        output = model(dict(sam_image=torch.rand(2, 3, 64, 64) * 255, coarse_prob=faint))
    assert output.sam.empty.all()
    assert torch.equal(output.refined_prob, output.coarse_prob)
    assert not (output.refined_prob > 0.5).any()


def test_iou_of_masks():
    first = torch.zeros(3, 1, 4, 4, dtype=torch.bool)
    second = first.clone()
    first[0, 0, :2], second[0, 0, 1:3] = True, True
    first[1, 0, 0] = True
    assert mask_iou(first, second).tolist() == pytest.approx([1 / 3, 0, 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(components=dict(min_share=0)), r"components\.min_share is 0; it must lie in \[0\.01, 1\]"),
        (dict(components=dict(keep_below_iou=2)), r"keep_below_iou is 2"),
        (dict(components=dict(max_lesions=0)), r"max_lesions is 0; it must be at least 1"),
        (dict(components=dict(min_area=-1)), r"min_area is -1"),
        (dict(components=dict(rest="keeps")), r"rest is 'keeps'; it must be 'drop' or 'keep'"),
        (dict(components=dict(), roi=dict(type="LesionROICropper", outside="coarse")), "outside='background'"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        build(**options)


def test_features_of_several_crops_are_refused():
    refiner, (image, prob) = build(roi=dict(type="LesionROICropper")), two_lesions()
    with pytest.raises(UserError, match="gate with feature_channels=0"):
        refiner(RefinerInputs(image, prob, with_features=True))
    assert build()(RefinerInputs(image, prob, with_features=True)).features.shape == (3, 32, 4, 4)
