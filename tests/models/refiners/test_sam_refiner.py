"""The SAM refiner: its input contract, its frames and its errors."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref import provenance
from ultraref.models.refiners import RefinerInputs
from ultraref.registry import MODELS, REFINERS
from ultraref.testing.tiny_models import tiny_refinement, tiny_refiner, tiny_sam


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")
    torch.manual_seed(0)


def save(refiner, path, **meta):
    state = {f"refiner.{key}": value for key, value in refiner.state_dict().items()}
    torch.save(dict(state_dict=state, meta=dict(dict(input_contract=refiner.input_contract()), **meta)), path)
    return str(path)


def test_checkpoint_is_loaded_whole(tmp_path):
    first = REFINERS.build(tiny_refiner())
    profiles = {"lite_medsam": {"seen": {}}}
    path = save(first, tmp_path / "best.pth", trained_on=["abc"], profiles=profiles)
    second = REFINERS.build(tiny_refiner(checkpoint=path))
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert provenance.collect(second) == {path: {"abc"}}
    assert provenance.collect_weights(second) == profiles


def test_other_inputs_than_in_training_are_refused(tmp_path):
    path = save(REFINERS.build(tiny_refiner()), tmp_path / "best.pth")
    config = tiny_refiner(checkpoint=path, roi=dict(type="LesionROICropper", expand_ratio=0.2))
    with pytest.raises(
        ValueError, match=r"(?s)roi.*0\.5.*in the checkpoint.*0\.2.*in the config.*allow_contract_change"
    ):
        REFINERS.build(config)
    REFINERS.build(dict(config, allow_contract_change=True))


def test_another_scale_than_in_training_is_refused(tmp_path):
    first = REFINERS.build(tiny_refiner())
    assert first.input_contract()["sam_scale"] == "imagenet"
    path = save(first, tmp_path / "best.pth")
    minmax = tiny_sam()
    minmax["image_encoder"]["scale"] = "minmax"
    with pytest.raises(ValueError, match="sam_scale: imagenet in the checkpoint, minmax in the config"):
        REFINERS.build(tiny_refiner(checkpoint=path, sam=minmax))
    # Checkpoints that don't name it are of the time when ImageNet's was the only one.
    content = torch.load(path)
    del content["meta"]["input_contract"]["sam_scale"]
    torch.save(content, path)
    REFINERS.build(tiny_refiner(checkpoint=path))
    with pytest.raises(ValueError, match="sam_scale: imagenet in the checkpoint, minmax in the config"):
        REFINERS.build(tiny_refiner(checkpoint=path, sam=minmax))


@pytest.mark.parametrize("scale", ["imagenet", "minmax"])
def test_sam_sees_the_scaled_image_cropped_and_0_beyond_it(scale):
    sam = tiny_sam()
    sam["image_encoder"]["scale"] = scale
    refiner = REFINERS.build(tiny_refiner(sam=sam)).eval()
    seen = []
    refiner.sam.image_encoder.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    # In the image's corner, and much brighter than the rest: a range of the crop's own would differ.
    image, prob = torch.rand(1, 3, 64, 64) * 100, torch.zeros(1, 1, 64, 64)
    image[..., 50:, 50:] = 250.0
    prob[..., :12, :12] = 1.0
    with torch.no_grad():
        roi = refiner(RefinerInputs(image, prob)).roi
        crop = refiner.roi_cropper.crop_image(refiner.sam.normalise(image), roi, 64)
    assert torch.equal(seen[0], crop)
    step = float(roi[0, 2] - roi[0, 0]) / 64
    beyond = int((-0.5 - float(roi[0, 0])) / step) - 1
    assert beyond > 3
    assert not seen[0][..., :beyond].any()
    assert not seen[0][..., :beyond, :].any()
    if scale == "minmax":
        # Beyond the rows next to the edge, which are extrapolated.
        assert seen[0][..., beyond + 3 :, beyond + 3 :].max() <= 100 / 250


def test_padding_is_0_in_what_sam_sees():
    refiner = REFINERS.build(tiny_refiner(roi=None)).eval()
    seen = []
    refiner.sam.image_encoder.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    with torch.no_grad():
        refiner(
            RefinerInputs(torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64), content_size=torch.tensor([[64, 40]]))
        )
    assert seen[0][..., :40].all()
    assert not seen[0][..., 40:].any()


@pytest.mark.parametrize("roi", [None, dict(type="LesionROICropper")])
def test_candidate_target_is_in_the_candidates_frame(roi):
    refiner = REFINERS.build(tiny_refiner(roi=roi)).eval()
    prob = torch.zeros(1, 1, 64, 64)
    prob[..., 20:36, 24:40] = 1.0
    with torch.no_grad():
        output = refiner(RefinerInputs(torch.zeros(1, 3, 64, 64), prob, coarse_size=32))
        target = refiner.candidate_target(prob, output)
    assert target.shape == (1, 1, 16, 16)
    # The lesion's area in pixels of the image's frame is kept: 256.
    scale = 4.0 if roi is None else float((output.roi[0, 2] - output.roi[0, 0]) / 16)
    scale_y = 4.0 if roi is None else float((output.roi[0, 3] - output.roi[0, 1]) / 16)
    assert float(target.sum()) * scale * scale_y == pytest.approx(256, rel=0.03)


def test_outside_of_the_roi_is_background_or_coarse():
    image, prob = torch.rand(1, 3, 64, 64) * 255, torch.full((1, 1, 64, 64), 0.04)
    prob[..., 28:36, 28:36] = 1.0
    for outside, expected in (("background", 0.0), ("coarse", 0.04)):
        refiner = REFINERS.build(tiny_refiner(roi=dict(type="LesionROICropper", min_size=0.25, outside=outside))).eval()
        refiner.prob_transforms.append(torch.nn.Threshold(0.1, 0.0))
        with torch.no_grad():
            refined = refiner(RefinerInputs(image, prob)).prob
        assert float(refined[0, 0, 2, 2]) == pytest.approx(expected)


def test_samples_do_not_depend_on_their_neighbours():
    refiner = REFINERS.build(tiny_refiner()).eval()
    image, prob = torch.rand(3, 3, 64, 64) * 255, torch.rand(3, 1, 64, 64) ** 8
    with torch.no_grad():
        together = refiner(RefinerInputs(image, prob)).prob
        alone = torch.cat([refiner(RefinerInputs(image[[i]], prob[[i]])).prob for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_wrong_image_size_is_named():
    refiner = REFINERS.build(tiny_refiner())
    with pytest.raises(ValueError, match=r"sizes\['sam'\] must be"):
        refiner(RefinerInputs(torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)))


def test_bad_selection_is_named():
    with pytest.raises(ValueError, match="'best', 'soft' or 'quality'"):
        REFINERS.build(tiny_refiner(selection="worst"))


def test_cached_embeddings_give_the_same_and_skip_the_encoder(tmp_path):
    config = tiny_refiner(roi=None, sam=tiny_sam(freeze=["image_encoder"]))
    plain = REFINERS.build(config).eval()
    cached = REFINERS.build(dict(config, embedding_cache=str(tmp_path / "cache"))).eval()
    cached.load_state_dict(plain.state_dict())
    image, prob = torch.rand(2, 3, 64, 64) * 255, torch.rand(2, 1, 64, 64)
    calls = []
    cached.sam.image_encoder.register_forward_pre_hook(lambda module, args: calls.append(len(args[0])))
    for _ in range(2):
        torch.testing.assert_close(
            cached(RefinerInputs(image, prob, image_hashes=["a", "b"])).prob,
            plain(RefinerInputs(image, prob)).prob,
            atol=1e-6,
            rtol=0,
        )
    assert calls == [2]
    with pytest.raises(ValueError, match="one content hash"):
        cached(RefinerInputs(image, prob))


def test_cache_with_an_roi_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"needs the whole image.*another crop at each step"):
        REFINERS.build(tiny_refiner(embedding_cache=str(tmp_path)))


def test_another_coarse_size_than_in_training_is_refused(tmp_path):
    """By the model that joins refiner and coarse source, before anything is computed."""
    first = MODELS.build(tiny_refinement(coarse_size=32))
    path = save(first.refiner, tmp_path / "best.pth", input_contract=first.input_contract())
    assert first.input_contract()["coarse_size"] == 32
    MODELS.build(tiny_refinement(coarse_size=32, refiner=tiny_refiner(checkpoint=path)))
    with pytest.raises(ValueError, match=r"trained on coarse masks of 32 px, and FromNetwork gives some of 16 px"):
        MODELS.build(tiny_refinement(coarse_size=16, refiner=tiny_refiner(checkpoint=path)))
    MODELS.build(tiny_refinement(coarse_size=16, refiner=tiny_refiner(checkpoint=path, allow_contract_change=True)))


def test_the_forward_pass_changes_no_contract():
    refiner = REFINERS.build(tiny_refiner())
    before = refiner.input_contract()
    refiner(RefinerInputs(torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64), coarse_size=16))
    assert refiner.input_contract() == before


def test_parts_have_names_and_can_be_left_out():
    refiner = REFINERS.build(
        tiny_refiner(
            prompts=dict(points=None, box=dict(type="BoxPromptGenerator")),
            prob_transforms=dict(floor=None, sharpen=dict(type="ProbSharpen", k=3.0)),
        )
    )
    assert list(refiner.prompt_generators) == ["box"]
    assert [name for name, _ in refiner.prob_transforms.named_children()] == ["sharpen"]
    # The names are the config's own; what counts is what there is.
    assert refiner.input_contract()["prompts"] == [dict(type="BoxPromptGenerator")]


def test_a_list_of_prompts_is_answered_with_what_to_write():
    with pytest.raises(ValueError, match=r"prompts is a list; its parts have names: prompts=dict\(NAME="):
        REFINERS.build(tiny_refiner(prompts=[dict(type="BoxPromptGenerator")]))
