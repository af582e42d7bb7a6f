"""SAM2Rad: what trains, what gradients reach, the frames of prompts and predictions, and that it can learn."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.datasets import stack_collate
from ultraref.datasets.transforms import GroundTruthPoints, PackSAM2RadInputs, ResizeToModels
from ultraref.engine.optim import GlobOptimWrapperConstructor
from ultraref.evaluation import RefinementMetric
from ultraref.models.weights.medsam import LITE_MEDSAM
from ultraref.registry import MODELS
from ultraref.structures import SegDataSample
from ultraref.testing.tiny_models import tiny_sam

SIZE = 64
LOSSES = {
    "mask": {"type": "FocalDiceLoss", "focal_weight": 1.0, "dice_weight": 1.0},
    "points": {"type": "PointCoordinateLoss"},
    "labels": {"type": "PointLabelLoss"},
}
# The reference's parts: the image encoder frozen but for LoRA, the prompt encoder frozen.
REFERENCE = {"freeze": ["image_encoder", "prompt_encoder"], "lora": {"rank": 4}}


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")
    torch.manual_seed(0)


def build(sam=None, predictor=None, roles=("mask", "points", "labels")):
    weights = {"mask": 1.0, "points": 0.3, "labels": 0.1}
    config = {
        "type": "SAM2RadSegmentor",
        "data_preprocessor": {"type": "SegDataPreprocessor"},
        "sam": tiny_sam(SIZE, **(REFERENCE if sam is None else sam)),
        "prompt_predictor": predictor or {"type": "PPN", "hidden_dim": 16},
        "losses": {role: LOSSES[role] for role in roles},
        "loss_weights": {role: weights[role] for role in roles},
    }
    return MODELS.build(config)


def sample(height=48, width=64, centre=(30, 20), radius=11) -> dict:
    """A dark disc on grey noise, packed as for training."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    mask = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2).to(torch.uint8)
    noise = torch.randint(0, 30, (height, width), generator=torch.Generator().manual_seed(0))
    image = (noise + 150 - 120 * mask).to(torch.uint8).numpy()
    results = {"name": "disc", "img": image, "gt_seg_map": mask.numpy(), "ori_shape": (height, width)}
    results["sizes"] = {"sam": SIZE}
    for step in (
        ResizeToModels(inputs=["sam"], sam_fit="pad"),
        GroundTruthPoints(),
        PackSAM2RadInputs(keep_original=True),
    ):
        results = step(results)
    return results


def batch(model, *samples) -> dict:
    return model.data_preprocessor(stack_collate(samples or (sample(), sample(64, 40, (20, 33), 8))))


def gradients(model, loss) -> dict[str, bool]:
    """Name -> whether a gradient other than zero arrives, for every parameter."""
    model.zero_grad()
    loss.backward()
    return {name: p.grad is not None and bool(p.grad.abs().max() > 0) for name, p in model.named_parameters()}


def perturb_lora(model):
    """Moves LoRA off its start, where B = 0 keeps the gradient from A."""
    for name, parameter in model.named_parameters():
        if name.endswith("lora_b"):
            torch.nn.init.normal_(parameter, std=0.02)


def test_gradients_reach_lora_decoder_and_predictor_and_nothing_else():
    model = build().train()
    perturb_lora(model)
    reached = gradients(model, sum(model(**batch(model), mode="loss").values()))
    assert all(reached[name] for name in reached if "lora_" in name)
    assert all(reached[name] for name in reached if name.startswith("prompt_predictor."))
    # Of the decoder, all that the single mask depends on: not the heads of the three candidates and of IoU.
    mask_path = ("transformer.", "output_upscaling.", "output_hypernetworks_mlps.0.", "mask_tokens.")
    decoder = {name: value for name, value in reached.items() if name.startswith("sam.mask_decoder.")}
    missed = {name for name in decoder if name.split(".", 2)[2].startswith(mask_path) and not decoder[name]}
    # A bias on keys shifts all of a softmax alike, which changes nothing.
    assert all(name.endswith("k_proj.bias") for name in missed), missed
    assert any(decoder.values())
    others = {
        name
        for name in reached
        if "lora_" not in name and not name.startswith(("prompt_predictor.", "sam.mask_decoder."))
    }
    assert others
    assert not any(reached[name] for name in others)


@pytest.mark.parametrize("head", ["heatmap", "gap"])
def test_the_mask_loss_alone_trains_coordinates_and_labels(head):
    model = build(predictor={"type": "PPN", "head": head, "hidden_dim": 16}, roles=("mask",)).train()
    output = model.segment(batch(model)["inputs"])
    points, logits = output.prompts.points, output.prompts.label_logits
    target = torch.zeros_like(output.logits)
    loss = model.losses["mask"](output.logits, target)
    by_points, by_labels = torch.autograd.grad(loss, (points, logits), retain_graph=True)
    for gradient in (by_points, by_labels):
        assert gradient.isfinite().all()
        assert (gradient.flatten(1).abs().max(dim=1).values > 0).all()
    reached = gradients(model, loss)
    branch = {"heatmap": "prompt_predictor.head.heat.weight", "gap": "prompt_predictor.head.coordinates.2.weight"}
    assert reached[branch[head]]
    assert reached["prompt_predictor.head.label.2.weight"]


def test_the_mask_loss_trains_the_query_predictor():
    predictor = {"type": "QueryPromptPredictor", "num_heads": 2, "mlp_dim": 32}
    model = build(predictor=predictor, roles=("mask",)).train()
    (loss,) = model(**batch(model), mode="loss").values()
    reached = gradients(model, loss)
    for head in ("box_head", "mask_head", "queries"):
        assert any(value for name, value in reached.items() if name.startswith(f"prompt_predictor.{head}")), head


def test_one_mask_and_one_iou_an_image():
    model = build().eval()
    output = model(batch(model)["inputs"])
    assert output.logits.shape == (2, 1, model.sam.mask_size, model.sam.mask_size)
    assert output.iou.shape == (2, 1)


def test_losses_are_logged_one_by_one_with_their_weights():
    model = build().eval()
    data = batch(model)
    losses = model(**data, mode="loss")
    assert sorted(losses) == ["loss_labels", "loss_mask", "loss_points"]
    output, inputs = model.segment(data["inputs"]), data["inputs"]
    difference = (output.prompts.points - inputs["gt_points"]) / SIZE
    # Below beta = 1 smooth L1 is half the square.
    assert losses["loss_points"].item() == pytest.approx(0.3 * 0.5 * difference.square().mean().item(), rel=1e-5)
    bce = torch.nn.functional.binary_cross_entropy(output.prompts.labels, inputs["gt_point_labels"])
    assert losses["loss_labels"].item() == pytest.approx(0.1 * bce.item(), rel=1e-5)


def test_tiny_lesions_switch_the_point_losses_off():
    model = build().eval()
    losses = model(**batch(model, sample(radius=1)), mode="loss")
    assert losses["loss_points"] == losses["loss_labels"] == 0
    assert losses["loss_mask"] > 0


def test_prompt_encoder_gets_pixels_of_sams_frame():
    """The head says where in the frame; what SAM receives are pixel indices there, whatever its embedding's size."""
    model = build().eval()
    received = []
    model.sam.prompt_encoder.register_forward_pre_hook(lambda _, args: received.append(args[0]))
    share = torch.tensor([[0.25, 0.75]]).expand(1, 7, 2)
    model.prompt_predictor.head.forward = lambda embedding: (share, torch.zeros(1, 7))
    model.segment(batch(model, sample())["inputs"])
    # A quarter of 64 px lies between the pixels 15 and 16.
    torch.testing.assert_close(received[0].points, torch.tensor([[15.5, 47.5]]).expand(1, 7, 2))
    torch.testing.assert_close(received[0].labels, torch.full((1, 7), 0.5))


def train(model, samples, steps, lr=3e-3):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    data = batch(model, *samples)
    model.train()
    for _ in range(steps):
        loss = sum(model(**data, mode="loss").values())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


def predict(model, *samples) -> list[SegDataSample]:
    with torch.no_grad():
        return model(**batch(model, *samples), mode="predict")


def test_overfits_one_image_and_is_measured_without_its_padding():
    model = train(build(sam={}), [sample()], steps=100)
    (prediction,) = predict(model, sample())
    # Of 48 x 64 pixels no row of the padding is left; the metric compares with the native mask.
    assert prediction.refined.data.shape == prediction.gt_sem_seg.data.shape == (1, 48, 64)
    metric = RefinementMetric(size="original")
    metric.process({}, [prediction.to_dict()])
    metrics = metric.compute_metrics(metric.results)
    assert metrics["val_refined/dice"] > 0.95
    assert not any("coarse" in name for name in metrics)
    points = prediction.prompts.points[0]
    assert ((points >= 0) & (points <= torch.tensor([63, 47]))).all()


def test_points_follow_a_lesion_that_moves():
    """Trained with the lesion at four places; every point moves with it, in pixels of SAM's frame."""
    places = [(16, 16), (46, 16), (16, 46), (46, 46)]
    samples = [sample(64, 64, place, 9) for place in places]
    model = build(sam={}, roles=("points", "labels"))
    # Linear from about 1 px on, so that 150 steps suffice.
    model.losses["points"].beta = 0.02
    train(model, samples, steps=150)
    predicted = torch.cat([prediction.prompts.points for prediction in predict(model, *samples)])
    shift = (predicted - predicted[:1]).mean(dim=1)
    expected = torch.tensor(places, dtype=torch.float32) - torch.tensor(places[0])
    assert (shift - expected).abs().max() < 4
    truth = torch.stack([packed["inputs"]["gt_points"] for packed in samples])
    assert (predicted - truth).abs().mean() < 3
    labels = torch.cat([prediction.prompts.labels for prediction in predict(model, *samples)])
    assert labels.round().tolist() == [[1, 1, 1, 1, 1, 0, 0]] * 4


@pytest.mark.parametrize("scale", ["imagenet", "minmax"])
def test_padding_is_zero_after_normalisation(scale):
    sam = tiny_sam(SIZE)
    sam["image_encoder"]["scale"] = scale
    model = build(sam={"image_encoder": sam["image_encoder"]}).eval()
    seen = []
    model.sam.image_encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model.segment(batch(model, sample(), sample(64, 40, (20, 33), 8))["inputs"])
    # 48 x 64 and 64 x 40 of 64 x 64. The noise of `sample` has its darkest pixel inside of the content.
    content = torch.zeros(2, 1, SIZE, SIZE, dtype=torch.bool)
    content[0, :, :48], content[1, ..., :40] = True, True
    content = content.expand(-1, 3, -1, -1)
    assert not seen[0][~content].any()
    share = seen[0][content].ne(0).float().mean()
    assert share > 0.99
    if scale == "minmax":
        assert (seen[0].amin(dim=(1, 2, 3)) == 0).all()
        assert (seen[0].amax(dim=(1, 2, 3)) == 1).all()


def test_what_lies_in_the_padding_is_not_seen():
    model = build().eval()
    inputs = batch(model, sample())["inputs"]
    other = dict(inputs, sam_image=inputs["sam_image"].clone())
    other["sam_image"][:, :, 48:] = 7
    with torch.no_grad():
        assert torch.equal(model.segment(inputs).logits, model.segment(other).logits)


def test_what_trains_is_printed():
    text = build().describe_trainable()
    rank, width, blocks = 4, 32, 2
    # A (r x C) and B (3C x r) in every block.
    assert f"sam.image_encoder: {blocks * rank * (width + 3 * width):,} of" in text
    assert "sam.prompt_encoder: 0 of" in text
    model = build()
    assert f"prompt_predictor: {sum(p.numel() for p in model.prompt_predictor.parameters()):,} of" in text


def test_optimizer_groups_of_the_shipped_schedule():
    from mmengine.config import Config

    schedule = Config.fromfile("configs/_base_/schedules/sam2rad_adamw_cosine.py").optim_wrapper
    options = {key: value for key, value in schedule.items() if key not in ("constructor", "paramwise_cfg", "type")}
    model = build()
    wrapper = GlobOptimWrapperConstructor(options, schedule.paramwise_cfg)(model)
    rates = {group["name"]: (group["lr"], group["weight_decay"]) for group in wrapper.optimizer.param_groups}
    assert rates == {
        "sam.image_encoder": (2e-4, 1e-4),
        "sam.mask_decoder": (1e-4, 1e-4),
        "prompt_predictor": (1e-3, 1e-4),
    }
    optimised = {id(p) for group in wrapper.optimizer.param_groups for p in group["params"]}
    assert optimised == {id(p) for p in model.parameters() if p.requires_grad}


def test_losses_that_can_not_be_are_named():
    model = build(predictor={"type": "QueryPromptPredictor", "num_heads": 2, "mlp_dim": 32})
    with pytest.raises(ValueError, match="QueryPromptPredictor predicts none"):
        model(**batch(model), mode="loss")
    model = build()
    data = batch(model)
    del data["inputs"]["gt_points"]
    with pytest.raises(ValueError, match="GroundTruthPoints"):
        model(**data, mode="loss")


def test_cached_embeddings_give_the_same_and_skip_the_encoder(tmp_path):
    frozen = tiny_sam(SIZE, freeze=["image_encoder"])
    config = dict(
        type="SAM2RadSegmentor",
        data_preprocessor=dict(type="SegDataPreprocessor", hash_images=True),
        sam=frozen,
        prompt_predictor=dict(type="PPN", hidden_dim=16),
        losses=LOSSES,
        loss_weights=dict.fromkeys(LOSSES, 1.0),
    )
    plain = MODELS.build(config).eval()
    cached = MODELS.build(dict(config, embedding_cache=str(tmp_path))).eval()
    cached.load_state_dict(plain.state_dict())
    calls = []
    cached.sam.image_encoder.register_forward_pre_hook(lambda module, args: calls.append(len(args[0])))
    inputs = batch(plain)["inputs"]
    for _ in range(2):
        torch.testing.assert_close(cached.segment(inputs).logits, plain.segment(inputs).logits, atol=1e-5, rtol=0)
    assert calls == [2]


def test_published_weights_are_given_prompts_that_they_know(monkeypatch, caplog):
    """LiteMedSAM knows boxes; points it must be allowed to learn."""
    monkeypatch.setattr("ultraref.models.sam.sam.load_sam_checkpoint", lambda sam, path: LITE_MEDSAM)
    sam = dict(checkpoint="lite_medsam.pth")
    with pytest.raises(ValueError, match="given points as well") as error:
        build(sam=sam)
    assert "allow_profile_change=True in model" in str(error.value)
    config = dict(type="SAM2RadSegmentor", sam=tiny_sam(SIZE, **sam), prompt_predictor=dict(type="PPN"))
    MODELS.build(dict(config, losses={}, loss_weights={}, allow_profile_change=True))
