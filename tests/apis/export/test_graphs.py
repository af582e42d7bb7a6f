"""Exported files give what the model gives, together and for any batch, and what can't be exported is refused."""

import copy
import json

import pytest
import torch

from ultraref.apis import init_model
from ultraref.apis.export import export, onnx_files, torchscript_files
from ultraref.apis.export.graphs import TOLERANCE, check
from ultraref.apis.export.parts import Part
from ultraref.errors import UserError

WRITERS = {"onnx": onnx_files, "torchscript": torchscript_files}
slow = pytest.mark.slow


def padded(cfg):
    """The same config with padded images."""
    cfg.test_dataloader.dataset.pipeline[2].sam_fit = "pad"
    return cfg


def run_files(folder, inputs):
    """Runs exported files one after another, as export.json lists them; returns all that they gave, by name."""
    facts = json.loads((folder / "export.json").read_text())
    known = dict(inputs)
    for part in facts["parts"].values():
        run = WRITERS[facts["format"]].load(folder / part["file"])
        known.update(zip(part["outputs"], run([known[name] for name in part["inputs"]])))
    return known


def expected_of(model, inputs):
    """What the model itself gives, by name; `inputs` are those of the files, grey values."""
    given = model.data_preprocessor({"inputs": dict(inputs)})["inputs"]
    with torch.inference_mode():
        output = model(given)
        if torch.is_tensor(output):
            return {"coarse_prob": output.softmax(dim=1)[:, 1:]}
        if not hasattr(output, "gate"):
            return {"refined": model.probability(output)}
    return {"refined": output.refined_prob, "sam": output.sam.prob, "gate": output.gate}


@pytest.mark.parametrize(
    ("format", "name", "pad"),
    [
        pytest.param("torchscript", "coarse", False, marks=slow),
        pytest.param("torchscript", "phase2", False, marks=slow),
        pytest.param("torchscript", "sam2rad", True, marks=slow),
        pytest.param("onnx", "coarse", False, marks=slow),
        pytest.param("onnx", "gated", True, marks=slow),
        pytest.param("onnx", "phase2", False, marks=slow),
        pytest.param("onnx", "tiny_vit", True, marks=slow),
        pytest.param("onnx", "sam2rad", True, marks=slow),
    ],
)
def test_the_files_give_what_the_model_gives(format, name, pad, trained, random_inputs, tmp_path):
    if format == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    check_model(format, name, pad, trained, random_inputs, tmp_path)


def check_model(format, name, pad, trained, random_inputs, tmp_path):
    """Exports a model, runs its files with a batch that the export didn't try, and returns what export.json says."""
    cfg, checkpoint = trained(name)
    cfg = padded(cfg) if pad else cfg
    folder = export(cfg, checkpoint, format, tmp_path / "out")
    inputs = random_inputs(2, padded=pad)
    inputs["sam_image"] = inputs["sam_image"][:, :1]
    inputs["coarse_image"] = 255 * torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = expected_of(init_model(cfg, str(checkpoint)), inputs)
    found = run_files(folder, inputs)
    for key, value in expected.items():
        assert torch.allclose(found[key], value, atol=1e-4, rtol=0), key
    return json.loads((folder / "export.json").read_text())


def test_files_and_what_is_written_beside_them(trained, random_inputs, tmp_path):
    facts = check_model("torchscript", "gated", True, trained, random_inputs, tmp_path)
    assert facts["preprocessing"]["coarse_image"] == {"size": 32, "fit": "squash"}
    sam_image = facts["preprocessing"]["sam_image"]
    assert (sam_image["size"], sam_image["fit"]) == (64, "pad")
    assert sam_image["scale"].startswith("imagenet")
    assert list(facts["parts"]) == ["coarse", "image_encoder", "refine"]
    # The region that SAM sees follows the coarse mask.
    assert list(facts["parts"]["image_encoder"]["inputs"]) == ["sam_image", "content_size", "coarse_prob"]
    assert facts["parts"]["refine"]["outputs"]["gate"] == {"shape": ["batch", 1, 64, 64], "dtype": "float32"}
    assert all(part["largest_difference_from_pytorch"] <= TOLERANCE for part in facts["parts"].values())


class Halved(torch.nn.Module):
    """Half its input."""

    def forward(self, x):
        return x / 2


class OfOneBatch(torch.nn.Module):
    """A graph of it holds for the batch that it was recorded with, as `len` is a plain number."""

    def forward(self, x):
        return x.view(len(x), 2, 2).flatten(1)


@pytest.mark.parametrize("format", WRITERS)
def test_a_file_that_differs_is_refused(format, tmp_path):
    if format == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    writer, path = WRITERS[format], tmp_path / f"halved{WRITERS[format].SUFFIX}"
    writer.save(Part(Halved().eval(), ("x",), ("y",)), [torch.rand(3, 4)], path)
    given = {batch: [torch.rand(batch, 4)] for batch in (1, 2, 3)}
    right = {batch: [inputs[0] / 2] for batch, inputs in given.items()}
    assert check(path, writer.load(path), given, right) < 1e-6
    # Twice the tolerance, at values up to 1.
    wrong = {batch: [outputs[0] + 2e-4] for batch, outputs in right.items()}
    with pytest.raises(UserError, match=r"differs from PyTorch by .* with a batch of 1"):
        check(path, writer.load(path), given, wrong)


def test_a_graph_of_one_batch_is_refused(tmp_path):
    path = tmp_path / "each.pt"
    torchscript_files.save(Part(OfOneBatch().eval(), ("x",), ("y",)), [torch.rand(3, 4)], path)
    given = {1: [torch.rand(1, 4)], 3: [torch.rand(3, 4)]}
    right = {batch: [OfOneBatch()(*inputs)] for batch, inputs in given.items()}
    with pytest.raises(UserError, match=r"each\.pt doesn't run with a batch of 1"):
        check(path, torchscript_files.load(path), given, right)


def test_what_has_no_fixed_form_is_refused(trained, tmp_path):
    cfg, checkpoint = trained("phase3")
    cfg.model.refiner.allow_contract_change = True
    cfg.model.refiner.roi = None
    components = copy.deepcopy(cfg)
    components.model.refiner.components = dict(min_share=0.2)
    with pytest.raises(UserError, match=r"model\.refiner\.components can't be exported.*--format bundle"):
        export(components, checkpoint, "torchscript", tmp_path / "out")
    components.test_dataloader.dataset.pipeline = [dict(type="LoadImage")]
    with pytest.raises(UserError, match="no ResizeToModels"):
        export(components, checkpoint, "torchscript", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_extra_is_named(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("ultraref.apis.export.onnx_files._PACKAGES", ("onnx_of_nobody",))
    with pytest.raises(ImportError, match=r"needs onnx_of_nobody: pip install 'ultraref\[export\]'"):
        export(*trained("coarse"), "onnx", tmp_path / "out")
