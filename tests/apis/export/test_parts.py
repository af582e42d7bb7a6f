"""The parts of a model: a quality head is left out where it changes nothing, and refused where it decides."""

import copy

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.apis import init_model
from ultraref.apis.export import export
from ultraref.apis.export.graphs import example_inputs, run_part
from ultraref.apis.export.parts import split_into_parts
from ultraref.apis.export.torchscript_files import load
from ultraref.checkpoint import load_checkpoint_file, save_atomically, to_plain
from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import load_model
from ultraref.registry import GATES, MODELS

HEAD = dict(type="QualityHead", feature_channels=32, embed_channels=4)


@pytest.fixture
def with_head(trained, tmp_path):
    """Makes (config, checkpoint) of a tiny model by name, and of the same weights with a quality head beside them."""

    def make(name, **refiner):
        cfg, checkpoint = trained(name)
        judged = copy.deepcopy(cfg)
        judged.model.refiner.update(quality_head=HEAD, **refiner)
        init_default_scope("ultraref")
        torch.manual_seed(1)
        model = MODELS.build(judged.model)
        content = load_checkpoint_file(checkpoint)
        missing, unexpected = model.load_state_dict(content["state_dict"], strict=False)
        assert {key.split(".")[1] for key in missing} == {"quality_head"}
        assert not unexpected
        path = tmp_path / name / "judged.pth"
        meta = {**content["meta"], "input_contract": model.input_contract()}
        save_atomically(to_plain({"state_dict": model.state_dict(), "meta": meta}), path)
        return (cfg, checkpoint), (judged, path)

    return make


def run_parts(model, padded: bool = False, batch: int = 3) -> dict[str, torch.Tensor]:
    """Runs the parts one after the other; returns all that they gave, by name. Of three images the last has no coarse mask."""
    known = example_inputs(dict(model.sizes), batch)
    for part in split_into_parts(model, padded).values():
        assert getattr(getattr(part.module, "model", None), "refiner", None) is None or (
            part.module.model.refiner.quality_head is None
        )
        known.update(zip(part.outputs, run_part(part, [known[name] for name in part.inputs])))
    return known


@pytest.mark.parametrize(("name", "padded"), [("phase2", False), ("gated", True)])
def test_a_quality_head_beside_the_masks_changes_none(with_head, name, padded):
    plain, judged = (init_model(cfg, str(checkpoint)) for cfg, checkpoint in with_head(name))
    whole = copy.deepcopy(judged)
    without, found = run_parts(plain, padded), run_parts(judged, padded)
    assert without.keys() == found.keys()
    assert all(torch.equal(found[key], value) for key, value in without.items())
    # And what is left gives what the model gave with its head.
    given = example_inputs(dict(whole.sizes), 3)
    given = whole.data_preprocessor(
        {"inputs": given if padded else {k: given[k] for k in given if k != "content_size"}}
    )
    with torch.no_grad():
        output = whole(given["inputs"])
    assert whole.refiner.quality_head is not None
    for key, right in (("refined", output.refined_prob), ("sam", output.sam.prob), ("gate", output.gate)):
        assert torch.allclose(found[key], right, atol=1e-5, rtol=0), key


def test_the_files_of_a_model_with_a_quality_head_are_those_of_one_without(with_head, tmp_path):
    given, found = example_inputs(dict(sam=64, coarse=32), 2), []
    for number, (cfg, checkpoint) in enumerate(with_head("phase2")):
        folder = export(cfg, checkpoint, "torchscript", tmp_path / str(number))
        prob = given["coarse_prob"]
        (embedding,) = load(folder / "image_encoder.pt")([given["sam_image"], prob])
        found.append([embedding, *load(folder / "refine.pt")([embedding, prob])])
    assert len(found[0]) == 4
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


@pytest.mark.parametrize(
    ("refiner", "gate"),
    [
        (dict(selection="quality"), None),
        ({}, dict(type="ConformalGate", score="quality")),
        ({}, dict(type="ConformalGate", score="gain", gate=dict(type="UncertaintyGate"))),
        ({}, dict(type="AgreementGate", score="safety")),
    ],
)
def test_a_quality_head_that_decides_is_refused(with_head, refiner, gate):
    cfg, _ = with_head("phase2", **refiner)[1]
    if gate is not None:
        cfg.model.gate = gate
    with pytest.raises(UserError, match=r"model\.refiner\.quality_head predicts decides here.*--format bundle"):
        split_into_parts(MODELS.build(cfg.model).eval(), padded=False)


def test_a_gate_by_another_score_leaves_the_quality_head_out(with_head):
    (cfg, _), (judged, _) = with_head("phase2")
    models = []
    for config in (cfg, judged):
        config.model.gate = dict(type="ConformalGate", score="predicted_iou")
        torch.manual_seed(2)
        models.append(MODELS.build(config.model).eval())
        models[-1].gate.set_threshold(0.5)
    load_model(models[1], {"state_dict": {**models[1].state_dict(), **models[0].state_dict()}, "meta": {}}, "plain")
    plain, found = map(run_parts, models)
    for key in ("refined", "sam", "gate"):
        assert torch.equal(found[key], plain[key])


def test_a_second_coarse_network_is_left_out_or_refused(trained):
    cfg, checkpoint = trained("gated")
    plain = init_model(cfg, str(checkpoint))
    second, deciding = copy.deepcopy(plain), copy.deepcopy(plain)
    second.opinion = copy.deepcopy(plain.coarse_source)
    without, found = run_parts(plain), run_parts(second)
    assert all(torch.equal(found[key], value) for key, value in without.items())
    deciding.opinion = copy.deepcopy(plain.coarse_source)
    deciding.gate = GATES.build(dict(type="AgreementGate", score="opinion"))
    with pytest.raises(UserError, match="goes by a second coarse network"):
        split_into_parts(deciding, False)
