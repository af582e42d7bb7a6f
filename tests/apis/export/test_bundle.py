"""A bundle gives the model back, keeps what guards it, and runs nothing."""

import importlib
import json
import logging
import shutil
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from ultraref import provenance
from ultraref.apis import UltraRefInferencer, init_model, load_bundle
from ultraref.apis.export import export
from ultraref.datasets.fingerprints import read_seen_images
from ultraref.engine.hooks.provenance_hook import ProvenanceHook
from ultraref.models.weights.lookup import sha256_of


@pytest.fixture
def bundle(gated_bundle, tmp_path):
    """A bundle of a phase-3 model, to be damaged."""
    return shutil.copytree(gated_bundle, tmp_path / "bundle")


def change(folder, edit):
    """Applies `edit` to the content of a bundle's config.json."""
    path = folder / "config.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("name", ["coarse", "phase2", "phase3", "gated", "sam2rad"])
def test_the_model_comes_back_bit_for_bit(name, trained, random_inputs, tmp_path):
    cfg, checkpoint = trained(name)
    folder = export(cfg, checkpoint, "bundle", tmp_path / "bundle")
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    original, (loaded, config) = init_model(cfg, str(checkpoint)), load_bundle(folder)
    assert not loaded.training
    with torch.inference_mode():
        expected, found = original(random_inputs(3)), loaded(random_inputs(3))
    field = {"coarse": None, "sam2rad": "logits"}.get(name, "refined_prob")
    pick = (lambda output: output) if field is None else (lambda output: getattr(output, field))
    assert torch.equal(pick(found), pick(expected))
    assert config.test_dataloader.dataset.pipeline[0].type == "LoadImage"
    assert (config.set_name, config.fold, config.model.type) == ("busi", 1, cfg.model.type)


def test_what_the_model_has_seen_comes_along(bundle, trained_on, profile):
    model, _ = load_bundle(bundle)
    assert set().union(*provenance.collect(model).values()) == set(trained_on)
    assert provenance.collect_weights(model)["lite"]["seen"] == profile["seen"]
    (record,) = provenance.collect_seen_images(model).values()
    (seen,) = read_seen_images(record)
    # Without the place of the images on the machine that it was exported on.
    assert (seen.dataset, seen.names, seen.files) == ("busi", ["one", "two"], None)
    assert seen.hashes.sum(1).tolist() == [0, 256]

    class Runner:
        pass

    class Images:
        image_hashes = {"one": trained_on[0], "two": "c" * 64}
        dataset_name = "busi"

    runner = Runner()
    runner.model = model
    runner.test_dataloader = Runner()
    runner.test_dataloader.dataset = Images()
    with pytest.raises(ValueError, match="1 of 2 test images were trained on"):
        ProvenanceHook().before_test(runner)


@pytest.fixture
def logged(monkeypatch):
    """What is logged of a gate's calibration: a handler of the log keeps the stream that it began with, which a test can't read."""
    lines = []
    monkeypatch.setattr("ultraref.engine.gate_calibration.print_log", lambda text, **options: lines.append(text))
    return lines


def test_what_the_gate_was_calibrated_on_comes_along(calibrated, random_inputs, tmp_path, logged):
    cfg, checkpoint, record = calibrated
    folder = export(cfg, checkpoint, "bundle", tmp_path / "bundle")
    logged.clear()
    model, _ = load_bundle(folder)
    assert provenance.calibration_of(model) == record
    with torch.inference_mode():
        expected = init_model(cfg, str(checkpoint))(random_inputs(3)).refined_prob
        assert torch.equal(model(random_inputs(3)).refined_prob, expected)
    # It is said when the bundle is loaded, in the card, and above the table of a test, which warns on another set.
    words = (
        "98 units, each a duplicate group",
        "at most 5.0% harmed",
        "images of busi",
        "It is void on other scanners",
    )
    (printed,) = logged
    card = (folder / "README.md").read_text()
    assert "## Calibration of the gate" in card
    metric = SimpleNamespace(preface="")
    dataset = SimpleNamespace(image_hashes={"one": "d" * 64}, dataset_name="clinic")
    runner = SimpleNamespace(
        model=model,
        logger=logging.getLogger("calibrated bundle"),
        test_dataloader=SimpleNamespace(dataset=dataset),
        test_evaluator=SimpleNamespace(metrics=[metric]),
    )
    ProvenanceHook().before_test(runner)
    for word in words:
        assert word in printed
        assert word in card
        assert word in metric.preface
    assert "it promises nothing on clinic" in metric.preface
    # Whoever predicts is told as well, by a bundle and by a checkpoint.
    for source in ((folder,), (cfg, str(checkpoint))):
        logged.clear()
        UltraRefInferencer(*source, device="cpu")
        assert logged == [printed]


def test_a_calibration_of_another_gate_or_an_unreadable_one_is_refused(calibrated, tmp_path):
    folder = export(*calibrated[:2], "bundle", tmp_path / "bundle")
    change(folder, lambda content: content["config"]["model"]["gate"].update(score="predicted_iou"))
    with pytest.raises(ValueError, match=r"was calibrated as .*'agreement'.* is .*'predicted_iou'"):
        load_bundle(folder)
    change(folder, lambda content: content["provenance"]["calibration"].update(n="many"))
    with pytest.raises(ValueError, match="what the gate was calibrated on can't be read: n is 'many'"):
        load_bundle(folder)


def test_a_gate_that_was_not_calibrated_has_no_such_section(gated_bundle, logged):
    assert provenance.calibration_of(load_bundle(gated_bundle)[0]) is None
    assert logged == []
    assert "Calibration" not in (gated_bundle / "README.md").read_text()


def test_the_input_contract_comes_along(bundle):
    change(bundle, lambda content: content["config"]["model"]["refiner"].update(multimask=False))
    with pytest.raises(ValueError, match="trained on other inputs"):
        load_bundle(bundle)


def test_nothing_of_this_machine_is_in_it(trained, tmp_path):
    cfg, checkpoint = trained("phase3")
    cfg.model.coarse_source.checkpoint = "/home/somebody/phase1.pth"
    cfg.model.refiner.roi = None
    cfg.model.refiner.allow_contract_change = True
    cfg.model.refiner.embedding_cache = "/home/somebody/cache"
    folder = export(cfg, checkpoint, "bundle", tmp_path / "bundle")
    for name in ("config.json", "README.md"):
        text = (folder / name).read_text()
        assert not [word for word in ("somebody", "/nowhere", str(tmp_path)) if word in text]
    assert cfg.model.refiner.embedding_cache == "/home/somebody/cache"


def test_the_card_says_what_must_be_known(trained, trained_on, tmp_path):
    cfg, checkpoint = trained("gated")
    metrics = {f"test_{group}/dice": value for group, value in (("coarse", 0.7), ("refined", 0.8125))}
    checkpoint.with_name("metrics.json").write_text(json.dumps(metrics))
    text = (export(cfg, checkpoint, "bundle", tmp_path / "bundle") / "README.md").read_text()
    for expected in (
        "Not a medical device",
        "- Sets: busi",
        "- Fold held out: 1",
        "trained on: 2, hash",
        "busi: presumed seen by lite (its paper names it)",
        "Lite weights: Apache-2.0",
        "- ultraref: Apache-2.0",
        "| refined | 0.8125 |",
    ):
        assert expected in text
    assert trained_on[0] not in text


def test_nothing_is_left_of_a_failed_export_and_other_folders_are_kept(trained, tmp_path):
    cfg, checkpoint = trained("coarse")
    cfg.test_dataloader.dataset.pipeline[0].type = "mmcv.LoadImageFromFile"
    with pytest.raises(ValueError, match=r"pipeline\.0\.type: 'mmcv\.LoadImageFromFile' is not registered"):
        export(cfg, checkpoint, "bundle", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(ValueError, match="holds other things"):
        export(trained("coarse")[0], checkpoint, "bundle", tmp_path / "mine")
    with pytest.raises(FileNotFoundError, match=r"no\.pth"):
        export(trained("coarse")[0], tmp_path / "no.pth", "bundle", tmp_path / "bundle")


def _model(content):
    return content["config"]["model"]


ATTACKS = {
    "dotted type": (lambda c: _model(c)["gate"].update(type="os.system"), "'os.system' is not registered"),
    "dotted type below an unknown key": (
        lambda c: _model(c).update(extra=[{"x": {"type": "subprocess.Popen", "args": ["true"]}}]),
        "'subprocess.Popen' is not registered",
    ),
    "our own dotted name": (
        lambda c: _model(c)["gate"].update(type="ultraref.models.gates.ConstantGate"),
        "is not registered",
    ),
    "a type that is no word": (lambda c: _model(c)["gate"].update(type=["os.system"]), "is not registered"),
    "scope": (lambda c: _model(c)["gate"].update(_scope_="evil"), r"gate\._scope_: this key"),
    "scope in a name": (lambda c: _model(c)["gate"].update(type="evil.ConstantGate"), "is not registered"),
    "unknown type": (lambda c: _model(c)["gate"].update(type="NoSuchGate"), "'NoSuchGate' is not registered"),
    "a hook's constructor": (lambda c: _model(c).update(constructor="antigravity.fly"), "constructor: this key"),
    "transform": (
        lambda c: c["config"]["test_dataloader"]["dataset"]["pipeline"].insert(0, {"type": "builtins.eval"}),
        "'builtins.eval' is not registered",
    ),
    "a component of MMEngine": (
        lambda c: _model(c)["gate"].update(type="MMDistributedDataParallel"),
        "is not registered",
    ),
    "checkpoint of a part": (lambda c: _model(c)["refiner"].update(checkpoint="/etc/passwd"), "names a file"),
    "download": (
        lambda c: _model(c)["coarse_source"]["network"].update(
            encoder={"type": "TimmEncoder", "name": "resnet10t", "pretrained": True}
        ),
        "names a file or a download",
    ),
    "file of timm": (
        lambda c: _model(c)["coarse_source"]["network"].update(
            encoder={"type": "TimmEncoder", "name": "resnet10t", "pretrained_cfg_overlay": {"file": "/x"}}
        ),
        "names a file or a download",
    ),
    "cache": (lambda c: _model(c)["refiner"].update(embedding_cache="/tmp/elsewhere"), "names a file"),
    "top-level key": (lambda c: c["config"].update(custom_hooks=[{"type": "EMAHook"}]), "which no bundle has"),
    "imports": (lambda c: c.update(custom_imports=["antigravity"]), "allow_custom_imports=True"),
    "path traversal": (lambda c: c["weights"].update(file="../model.safetensors"), r"weights\.file is '\.\./"),
    "absolute path": (lambda c: c["weights"].update(file="/etc/passwd"), r"weights\.file is '/etc/passwd'"),
    "newer format": (lambda c: c.update(format_version=2), "format version 2.*newer ultraref"),
    "another format": (lambda c: c.update(format="zoo"), "is not the config.json of a bundle"),
    "no weights": (lambda c: c.pop("weights"), "has no 'weights'"),
    "a number too large": (lambda c: _model(c)["gate"].update(gate_max=float("inf")), "is no proper config.json"),
    "arguments of a wrong type": (
        lambda c: _model(c)["coarse_source"]["network"].update(image_size="x"),
        "can't be built",
    ),
    "another model": (lambda c: _model(c)["refiner"]["sam"]["mask_decoder"].update(mlp_dim=8), "does not fit"),
    "unreadable provenance": (lambda c: c["provenance"].update(trained_on=["x"]), "provenance can't be read"),
    "unreadable hashes": (
        lambda c: c["provenance"]["seen_images"]["sets"][0].update(hashes="AAAA"),
        "provenance can't be read",
    ),
    "unreadable profile": (
        lambda c: c["provenance"]["profiles"]["lite"].update(seen={"busi": {"state": "fine"}}),
        "provenance can't be read",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_on_the_config(name, bundle, monkeypatch):
    edit, message = ATTACKS[name]
    change(bundle, edit)

    def no_import(module, *rest):
        assert module.split(".")[0] == "ultraref", f"{module} was imported"
        return importlib.import_module(module, *rest)

    # Registries import what they don't know through one of these.
    for place in (
        "mmengine.utils.misc",
        "mmengine.registry.registry",
    ):
        monkeypatch.setattr(f"{place}.import_module", no_import)
    monkeypatch.setattr("ultraref.engine.component_lookup._import", lambda *names: no_import(names[0]))
    with pytest.raises(ValueError, match=message):
        load_bundle(bundle)


def test_imports_that_are_allowed_are_made(bundle, tmp_path, monkeypatch):
    (tmp_path / "plugin_of_a_bundle.py").write_text("raise RuntimeError('it ran')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    change(bundle, lambda content: content.update(custom_imports=["plugin_of_a_bundle"]))
    with pytest.raises(ValueError, match="allow_custom_imports"):
        load_bundle(bundle)
    with pytest.raises(RuntimeError, match="it ran"):
        load_bundle(bundle, allow_custom_imports=True)


def test_damaged_weights(bundle):
    weights = bundle / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(ValueError, match="damaged, or not wholly downloaded"):
        load_bundle(bundle)
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    weights.write_bytes(flipped)
    with pytest.raises(ValueError, match="damaged, or not wholly downloaded"):
        load_bundle(bundle)
    # Wrong in itself, and recorded so.
    weights.write_bytes(b"\xff" * 64)
    change(bundle, lambda content: content["weights"].update(sha256=sha256_of(weights), size=64))
    with pytest.raises(ValueError, match=r"model\.safetensors can't be read"):
        load_bundle(bundle)
    save_file({"x": torch.zeros(2)}, weights)
    change(bundle, lambda c: c["weights"].update(sha256=sha256_of(weights), size=weights.stat().st_size))
    with pytest.raises(ValueError, match="missing in the file"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(name, bundle):
    (bundle / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"it has no {name}"):
        load_bundle(bundle)
    shutil.rmtree(bundle)
    with pytest.raises(FileNotFoundError, match="is no folder"):
        load_bundle(bundle)


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "[" * 100_000])
def test_what_is_no_bundle_is_refused(text, bundle):
    (bundle / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json(: is no| is not)"):
        load_bundle(bundle)
