"""Tiny models with checkpoints of random weights, as tools/train.py would leave them."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ultraref.apis.export import export
from ultraref.checkpoint import load_checkpoint_file, save_atomically, to_plain
from ultraref.datasets.fingerprints import Fingerprints, seen_images
from ultraref.registry import MODELS
from ultraref.testing.tiny_models import tiny_network, tiny_refinement, tiny_sam

SEEN = {"busi": {"state": "presumed", "evidence": "its paper names it", "date": "2026-01-02"}}
# Two images whose hashes are all zeros and all ones.
SEEN_IMAGES = seen_images(
    [
        Fingerprints(
            "busi", "s", ("/nowhere/private/", ".png"), ["one", "two"], np.array([[False], [True]]).repeat(256, 1)
        )
    ]
)
PROFILE = {"name": "lite", "title": "Lite weights", "licence": "Apache-2.0", "citation": "Somebody 2024", "seen": SEEN}
# sha256 of images that the checkpoints say they were trained on.
TRAINED_ON = ["a" * 64, "b" * 64]
PIPELINE = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="ResizeToModels", inputs=("coarse", "sam"), gt="sam"),
    dict(type="PackSegInputs", keep_original=True),
]


def tiny_model(name: str) -> dict:
    """Config of a tiny model: coarse, phase2, phase3, gated, tiny_vit (with a gate that reads SAM's embedding) or sam2rad."""
    preprocessor = dict(type="SegDataPreprocessor", coarse_mean=0.25, coarse_std=0.5)
    if name == "coarse":
        loss = dict(type="CEDiceLoss")
        return dict(type="CoarseSegmentor", network=tiny_network(32), loss=loss, data_preprocessor=preprocessor)
    if name == "sam2rad":
        return dict(
            type="SAM2RadSegmentor",
            sam=tiny_sam(64),
            prompt_predictor=dict(type="PPN", num_points=3),
            losses=dict(mask=dict(type="FocalDiceLoss")),
            loss_weights=dict(mask=1.0),
            data_preprocessor=preprocessor,
        )
    model = tiny_refinement(32, 64, data_preprocessor=preprocessor)
    if name == "phase2":
        model["coarse_source"] = dict(type="FromSample", size=32)
        model["losses"] = dict(refined=dict(type="BCEDiceLoss"))
        model["loss_weights"] = dict(refined=1.0)
    if name == "tiny_vit":
        arch = dict(
            embed_dims=(16, 32, 32, 64),
            depths=(1, 1, 1, 1),
            num_heads=(1, 2, 2, 2),
            window_sizes=(7, 7, 14, 7),
            out_channels=32,
        )
        encoder = dict(type="TinyViT", arch=arch, image_size=64, scale="minmax")
        model["refiner"]["sam"]["image_encoder"] = encoder
        model["refiner"]["roi"] = None
        model["gate"] = dict(type="HybridGate", learned=dict(type="LearnedGate", feature_channels=32))
    if name == "gated":
        model["gate"] = dict(type="UncertaintyGate", gate_max=0.5)
        model["refiner"]["roi"] = dict(type="LesionROICropper", expand_ratio=0.5, cap=True, outside="coarse")
    return model


def randomise(model: torch.nn.Module) -> None:
    """Gives weights that a fresh model has as zeros or ones, position embeddings for one, values of their own."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer += 0.1 * torch.randn(buffer.shape, generator=generator)


def build_trained(folder: Path, model: dict, **options) -> tuple[Config, Path]:
    """Writes a checkpoint of a model with random weights; returns it with its config."""
    init_default_scope("ultraref")
    torch.manual_seed(0)
    built = MODELS.build(copy.deepcopy(model))
    randomise(built)
    meta = {"trained_on": TRAINED_ON, "profiles": {"lite": PROFILE}, "seen_images": SEEN_IMAGES}
    if hasattr(built, "input_contract"):
        meta["input_contract"] = built.input_contract()
    folder.mkdir(parents=True, exist_ok=True)
    save_atomically(to_plain({"state_dict": built.state_dict(), "meta": meta}), folder / "best.pth")
    dataset = dict(type="LesionDataset", split="test", pipeline=PIPELINE, data_root="/nowhere/private")
    config = dict(model=model, test_dataloader=dict(dataset=dataset), set_name="busi", fold=1, **options)
    return Config(copy.deepcopy(config)), folder / "best.pth"


def _random_inputs(batch: int, padded: bool = False, seed: int = 1) -> dict[str, torch.Tensor]:
    """Preprocessed inputs of a tiny model: blobs as coarse masks, noise as images."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    centres = 8 + 16 * torch.rand(batch, 2, generator=generator)
    squared = (rows - centres[:, :1, None]) ** 2 + (columns - centres[:, 1:, None]) ** 2
    sam_image = 255 * torch.rand(batch, 1, 64, 64, generator=generator)
    inputs = {
        "coarse_image": torch.randn(batch, 1, 32, 32, generator=generator),
        "sam_image": sam_image.expand(-1, 3, -1, -1),
        "coarse_prob": torch.sigmoid((30 - squared) / 10)[:, None],
    }
    if padded:
        inputs["content_size"] = torch.randint(32, 65, (batch, 2), generator=generator)
    return inputs


@pytest.fixture
def trained(tmp_path):
    """Makes (config, checkpoint) of a tiny model by name."""
    return lambda name, **options: build_trained(tmp_path / name, tiny_model(name), **options)


CALIBRATION = dict(
    n=98,
    unit="duplicate group",
    images=104,
    alpha=0.05,
    score="agreement",
    gate={"type": "UncertaintyGate", "gate_max": 0.5},
    threshold="0.25",
    change=0.01,
    accepted=0.5,
    harmed=3,
    sets=["busi"],
    data_hash="c" * 64,
)


@pytest.fixture
def calibrated(tmp_path):
    """(config, checkpoint) of a tiny model whose gate was calibrated, as `calibrate_gate` leaves it, and the record of that."""
    model = tiny_model("gated")
    model["gate"] = dict(type="ConformalGate", score="agreement", gate=model["gate"])
    cfg, path = build_trained(tmp_path / "calibrated", model)
    content = load_checkpoint_file(path)
    content["state_dict"]["gate.threshold"].fill_(0.25)
    content["state_dict"]["gate.calibrated"].fill_(True)
    meta = {**content["meta"], "calibration": CALIBRATION}
    save_atomically(to_plain({"state_dict": content["state_dict"], "meta": meta}), path)
    return cfg, path, CALIBRATION


@pytest.fixture
def random_inputs():
    """Makes preprocessed inputs: `random_inputs(batch, padded=False, seed=1)`."""
    return _random_inputs


@pytest.fixture
def trained_on():
    """What the checkpoints say they were trained on."""
    return TRAINED_ON


@pytest.fixture
def profile():
    """The record of the published weights in the checkpoints."""
    return PROFILE


@pytest.fixture(scope="session")
def gated_bundle(tmp_path_factory):
    """A bundle of the model "gated". Read only."""
    folder = tmp_path_factory.mktemp("bundle")
    return export(*build_trained(folder, tiny_model("gated")), "bundle", folder / "bundle")
