"""The refinement path: exact ends of the gate, gradients by each path alone, and what predictions hold."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.errors import UserError
from ultraref.models.sam import ImageEmbedding
from ultraref.models.segmentors.refinement_segmentor import hard_dice, scale_gradient
from ultraref.registry import MODELS
from ultraref.structures import Prompts, SegDataSample
from ultraref.testing.tiny_models import tiny_refinement, tiny_refiner


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")
    torch.manual_seed(0)


def blob(batch: int = 2, size: int = 32) -> torch.Tensor:
    """Soft discs at different places, (batch, 1, size, size)."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    centres = torch.linspace(0.4, 0.6, batch) * size
    distance = torch.stack([((x - c) ** 2 + (y - c) ** 2).sqrt() for c in centres])
    return torch.sigmoid((size / 6 - distance) / 2)[:, None]


def build(**options):
    config = tiny_refinement(coarse_source=dict(type="FromSample", size=32), losses={}, loss_weights={}, **options)
    return MODELS.build(config).eval()


def inputs(prob: torch.Tensor, size: int = 64) -> dict:
    generator = torch.Generator().manual_seed(1)
    return dict(sam_image=torch.rand(len(prob), 3, size, size, generator=generator) * 255, coarse_prob=prob)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_gate_ends_are_exact(value):
    output = build(gate=dict(type="ConstantGate", value=value)).refine(inputs(blob()))
    expected = output.coarse_prob if value == 0 else output.sam.prob
    assert torch.equal(output.refined_prob, expected)
    assert not torch.equal(output.coarse_prob, output.sam.prob)


def test_refined_frame_is_sams_and_coarse_is_resized_as_probability():
    prob = torch.full((1, 1, 32, 32), 0.3)
    output = build().refine(inputs(prob))
    assert output.coarse_prob.shape == output.sam.prob.shape == (1, 1, 64, 64)
    torch.testing.assert_close(output.coarse_prob, torch.full((1, 1, 64, 64), 0.3))


def detached_prompts(generator):
    """Lets a prompt generator's values through, but no gradient."""
    forward = generator.forward
    generator.forward = lambda *args: Prompts(**{k: v.detach() for k, v in forward(*args).as_dict().items()})


@pytest.mark.parametrize("prompt", ["PointPromptGenerator", "BoxPromptGenerator", "MaskPromptGenerator"])
def test_gradient_through_each_prompt_alone(prompt):
    model = build(refiner=tiny_refiner(roi=None, prompts=dict(only=dict(type=prompt))))
    assert_gradient_reaches(model, blob().requires_grad_())


def test_gradient_through_the_mask_crop_alone():
    model = build(refiner=tiny_refiner(prompts=dict(mask=dict(type="MaskPromptGenerator"))))
    find = model.refiner.roi_cropper.forward
    model.refiner.roi_cropper.forward = lambda *args: find(*args).detach()
    assert_gradient_reaches(model, blob().requires_grad_())


def test_gradient_through_the_paste_alone():
    model = build()
    for generator in model.refiner.prompt_generators.values():
        detached_prompts(generator)
    assert_gradient_reaches(model, blob().requires_grad_())


def test_gradient_through_the_gate_alone():
    model = build(gate=dict(type="UncertaintyGate"))
    prob = blob().requires_grad_()
    with torch.no_grad():
        sam = model.refine(inputs(prob)).sam.prob
    coarse = torch.nn.functional.interpolate(prob, (64, 64), mode="bilinear", align_corners=False)
    refined = torch.lerp(coarse.detach(), sam, model.gate(coarse, sam))
    refined.square().mean().backward()
    assert torch.isfinite(prob.grad).all()
    assert prob.grad.abs().max() > 0


def assert_gradient_reaches(model, prob):
    """The refined probability alone (gate 1, hence no direct path) sends a finite gradient to p."""
    model.refine(inputs(prob)).refined_prob.square().mean().backward()
    assert torch.isfinite(prob.grad).all()
    assert prob.grad.abs().max() > 0


def test_joint_loss_reaches_both_networks():
    model = MODELS.build(tiny_refinement()).train()
    gt = (blob(size=64) > 0.5).float()
    image = torch.rand(2, 3, 64, 64) * 255
    losses = model(dict(coarse_image=torch.rand(2, 1, 32, 32), sam_image=image, gt=gt), mode="loss")
    assert sorted(losses) == ["loss_coarse", "loss_refined"]
    losses["loss_refined"].backward()
    for name in ("coarse_source.network.head.weight", "refiner.sam.mask_decoder.mask_tokens.weight"):
        gradient = model.get_parameter(name).grad
        assert torch.isfinite(gradient).all(), name
        assert gradient.abs().max() > 0, name


def test_coarse_grad_scale_scales_the_refined_loss_alone():
    gradients = {}
    for scale in (1.0, 0.25, 0.0):
        torch.manual_seed(3)
        model = MODELS.build(tiny_refinement(coarse_grad_scale=scale)).eval()
        batch = dict(coarse_image=torch.rand(1, 1, 32, 32), sam_image=torch.rand(1, 3, 64, 64) * 255)
        losses = model(dict(batch, gt=(blob(1, 64) > 0.5).float()), mode="loss")
        weight = model.get_parameter("coarse_source.network.head.weight")
        gradients[scale] = [
            torch.autograd.grad(losses[name], weight, retain_graph=True, allow_unused=True)[0]
            for name in ("loss_refined", "loss_coarse")
        ]
    torch.testing.assert_close(gradients[0.25][0], 0.25 * gradients[1.0][0])
    torch.testing.assert_close(gradients[0.25][1], gradients[1.0][1])
    assert gradients[0.0][0] is None


def test_scale_gradient_keeps_the_value():
    x = torch.rand(5, requires_grad=True)
    y = scale_gradient(x, 0.5)
    assert torch.equal(y, x)
    y.sum().backward()
    torch.testing.assert_close(x.grad, torch.full((5,), 0.5))


def test_prediction_fields():
    prob = blob()
    prob[1] = 0
    samples = [SegDataSample(metainfo=dict(name=str(i))) for i in range(2)]
    with torch.no_grad():
        filled = build(gate=dict(type="ConstantGate", value=0.0))(inputs(prob), samples, mode="predict")
    for sample in filled:
        for field in ("coarse", "sam", "gate", "refined"):
            assert sample.get(field).data.shape == (1, 64, 64)
            assert 0 <= sample.get(field).data.min() <= sample.get(field).data.max() <= 1
        assert torch.equal(sample.refined.data, sample.coarse.data)
        assert sample.prompts.points.shape == (1, 2, 2)
    # The positive point is the disc's centre, 12.8 px of the coarse frame, in the frame of `refined`.
    assert filled[0].prompts.points[0, 0].tolist() == pytest.approx([26.1, 26.1], abs=0.6)
    x1, y1, x2, y2 = filled[0].prompts.box[0].tolist()
    assert x1 < 26 < x2
    assert y1 < 26 < y2
    assert [sample.coarse_empty for sample in filled] == [False, True]
    # An empty coarse mask has no position: SAM sees the whole image.
    assert filled[1].prompts.roi.tolist() == [[-0.5, -0.5, 63.5, 63.5]]


@pytest.mark.parametrize("roi", [None, dict(type="LesionROICropper")])
def test_gate_reads_features_over_the_image(roi):
    model = build(gate=dict(type="LearnedGate", feature_channels=32), refiner=tiny_refiner(roi=roi))
    # An embedding that tells its own column: features of a frame cell must be that cell's place in the crop.
    columns = torch.arange(4.0).expand(1, 32, 4, 4).contiguous()
    model.refiner.sam.encode = lambda image: ImageEmbedding(columns)
    output = model.refine(inputs((blob(1) > 0.5).float()))
    assert output.gate.shape == (1, 1, 64, 64)
    centres = (torch.arange(4) + 0.5) * 16 - 0.5
    x1, _, x2, _ = (-0.5, -0.5, 63.5, 63.5) if roi is None else output.sam.roi[0].tolist()
    expected = (centres - x1) * 4 / (x2 - x1) - 0.5
    inside = (expected >= 0) & (expected <= 3)
    assert inside.any()
    torch.testing.assert_close(output.sam.features[0, 0, 1, inside], expected[inside], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            dict(losses=dict(finale=dict(type="BCEDiceLoss")), loss_weights=dict(finale=1)),
            "unknown roles .'finale'",
        ),
        (dict(losses=dict(refined=dict(type="BCEDiceLoss")), loss_weights={}), "must name the same roles"),
    ],
)
def test_bad_losses_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(tiny_refinement(**options))


def test_coarse_loss_needs_a_network():
    model = MODELS.build(tiny_refinement(coarse_source=dict(type="FromSample", size=32)))
    with pytest.raises(ValueError, match="use FromNetwork"):
        model(dict(inputs(blob()), gt=blob(size=64).round()), mode="loss")


def test_missing_coarse_probability_is_named():
    with pytest.raises(UserError, match="LoadCoarsePrediction"):
        build()(dict(sam_image=torch.zeros(1, 3, 64, 64)))


def test_hard_dice_by_hand():
    prob, gt = torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    prob[0, 0, :2], gt[0, 0, 1:3] = 0.9, 1.0
    # 8 and 8 pixels, 4 of them common; then two empty masks.
    torch.testing.assert_close(hard_dice(prob, gt, smooth=1.0), torch.tensor([(2 * 4 + 1) / (8 + 8 + 1), 1.0]))


def test_a_loss_is_left_out_by_its_name():
    model = MODELS.build(tiny_refinement(losses=dict(coarse=None, refined=dict(type="BCEDiceLoss"))))
    assert list(model.losses) == list(model.loss_weights) == ["refined"]
