"""A model as files that run without ultraref, each checked against PyTorch."""

from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from torch import Tensor

from ultraref.apis.export import onnx_files, torchscript_files
from ultraref.apis.export.parts import Part, split_into_parts
from ultraref.atomic import write_json
from ultraref.engine.portable_config import portable
from ultraref.errors import UserError
from ultraref.version import __version__

FACTS_NAME = "export.json"
TOLERANCE = 1e-4
# Batches that a file is checked with; the last one is what it is recorded with.
BATCHES = (1, 3)
_FORMATS = {"onnx": onnx_files, "torchscript": torchscript_files}


def write_graphs(cfg: Config, model: BaseModel, format: str, folder: Path) -> None:
    """Writes the parts of a model, and export.json, which says what they take and give.

    Args:
        cfg: the config that the model was built from.
        model: in eval mode, on the CPU; of no other use afterwards.
        format: "onnx" or "torchscript".
        folder: an empty one.

    Raises:
        UserError: the model can't be exported so, or a file doesn't give what PyTorch gives, to 1e-4.
    """
    writer = _FORMATS[format]
    if format == "onnx":
        onnx_files.require_packages()
    fit = _fit(cfg)
    sizes, modules = dict(model.sizes), {}
    scale = _scale(model)
    examples = {batch: example_inputs(sizes, batch) for batch in BATCHES}
    for name, part in split_into_parts(model, padded=fit == "pad").items():
        path = folder / f"{name}{writer.SUFFIX}"
        given = {batch: [inputs[key] for key in part.inputs] for batch, inputs in examples.items()}
        expected = {batch: run_part(part, inputs) for batch, inputs in given.items()}
        writer.save(part, given[BATCHES[-1]], path)
        difference = check(path, writer.load(path), given, expected)
        for batch, outputs in expected.items():
            examples[batch].update(zip(part.outputs, outputs))
        modules[name] = _describe(part, path, given[BATCHES[-1]], expected[BATCHES[-1]], difference)
    facts = {
        "ultraref": __version__,
        "torch": torch.__version__.split("+")[0],
        "format": format,
        "parts": modules,
        "preprocessing": _preprocessing(sizes, fit, scale),
        "model": portable(cfg.model.to_dict()),
    }
    write_json(folder / FACTS_NAME, facts)


def example_inputs(sizes: dict[str, int], batch: int) -> dict[str, Tensor]:
    """Returns random inputs of the parts: noise as images, a disc as a coarse mask, and, of several images, one without any."""
    generator = torch.Generator().manual_seed(batch)
    inputs = {
        f"{network}_image": torch.randint(0, 256, (batch, 1, size, size), generator=generator).float()
        for network, size in sizes.items()
    }
    if "sam" in sizes:
        # (height, width): one side fills the frame.
        shares = 0.5 + 0.5 * torch.rand(batch, generator=generator)
        shorter = (shares * sizes["sam"]).long()
        inputs["content_size"] = torch.stack([shorter, torch.full_like(shorter, sizes["sam"])], dim=1)
    if "coarse" in sizes:
        size = sizes["coarse"]
        places = torch.arange(size, dtype=torch.float32)
        centres = size * (0.3 + 0.4 * torch.rand(batch, 2, generator=generator))
        away = (places[:, None] - centres[:, 0, None, None]) ** 2 + (places - centres[:, 1, None, None]) ** 2
        inputs["coarse_prob"] = torch.sigmoid(8 * (1 - away / (0.2 * size) ** 2))[:, None]
        if batch > 1:
            inputs["coarse_prob"][-1] = 0
    return inputs


def run_part(part: Part, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Runs a part in PyTorch, and returns its outputs."""
    with torch.no_grad():
        output = part.module(*inputs)
    return list(output) if isinstance(output, tuple) else [output]


def check(path: Path, run, given: dict[int, list[Tensor]], expected: dict[int, list[Tensor]]) -> float:
    """Compares a file with PyTorch, batch by batch.

    Args:
        path: the file, for the message.
        run: runs it.
        given: size of a batch -> inputs.
        expected: size of a batch -> PyTorch's outputs.

    Returns:
        The largest difference, in units of the largest value of the output or of 1, whichever is greater.

    Raises:
        UserError: it is above TOLERANCE, or the file doesn't run.
    """
    largest = 0.0
    for batch, inputs in given.items():
        try:
            outputs = run(inputs)
        # Each runtime has errors of its own.
        except Exception as error:
            raise UserError(
                f"export: {path.name} doesn't run with a batch of {batch}: {str(error).splitlines()[0]}"
            ) from error
        for output, right in zip(outputs, expected[batch], strict=True):
            if output.shape != right.shape:
                raise UserError(
                    f"export: {path.name} gives {tuple(output.shape)} for a batch of {batch}, PyTorch {tuple(right.shape)}"
                )
            difference = float((output - right).abs().max() / right.abs().max().clamp(min=1))
            if not difference <= TOLERANCE:
                raise UserError(
                    f"export: {path.name} differs from PyTorch by {difference:.2g} with a batch of {batch}, more than {TOLERANCE:.0e}"
                )
            largest = max(largest, difference)
    return largest


def _fit(cfg: Config) -> str:
    """How images come into SAM's frame: "squash" or "pad", as the pipeline of the test set says."""
    dataset = (cfg.get("test_dataloader") or {}).get("dataset") or {}
    for part in (dataset, *dataset.get("datasets", ())):
        for step in part.get("pipeline") or ():
            if step.get("type") == "ResizeToModels":
                return step.get("sam_fit", "squash")
    raise UserError(
        "export: test_dataloader has no ResizeToModels in its pipeline, so that it isn't known how an image comes into the model's frame"
    )


def _scale(model: BaseModel) -> str | None:
    sam = getattr(model, "sam", None) or getattr(getattr(model, "refiner", None), "sam", None)
    return None if sam is None else sam.image_encoder.describe_normalisation()


def _describe(part: Part, path: Path, inputs: list[Tensor], outputs: list[Tensor], difference: float) -> dict:
    def shapes(names, tensors):
        return {n: {"shape": ["batch", *t.shape[1:]], "dtype": str(t.dtype)[6:]} for n, t in zip(names, tensors)}

    return {
        "file": path.name,
        "inputs": shapes(part.inputs, inputs),
        "outputs": shapes(part.outputs, outputs),
        "largest_difference_from_pytorch": difference,
        "checked_with_batches_of": list(BATCHES),
    }


def _preprocessing(sizes: dict[str, int], fit: str, scale: str | None) -> dict:
    """What has to be done to an image before it is an input; the rest is in the files."""
    facts: dict = {
        "values": "grey, 8 bit, as float32 from 0 to 255; the files scale them",
        "resize": "a side that shrinks is averaged over the area, one that grows interpolated linearly, pixel centres kept",
    }
    if "coarse" in sizes:
        facts["coarse_image"] = {"size": sizes["coarse"], "fit": "squash"}
    if "sam" in sizes:
        facts["sam_image"] = {"size": sizes["sam"], "fit": fit, "scale": scale}
    if fit == "pad" and "sam" in sizes:
        facts["content_size"] = (
            "int64 (height, width) of the image within sam_image, at the top left; below and right of it is 0"
        )
    facts["threshold"] = 0.5
    return facts
