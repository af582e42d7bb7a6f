"""A tiny refinement model with random weights, as a config and a checkpoint."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ultraref.registry import MODELS
from ultraref.testing.tiny_models import tiny_network, tiny_refinement

SIZES = {"coarse": 32, "sam": 64}
LOAD = [dict(type="LoadImage"), dict(type="LoadLesionMask")]


def config(model: dict, inputs=("coarse", "sam"), gt: str = "sam", fit: str = "squash") -> Config:
    steps = [
        *LOAD,
        dict(type="ResizeToModels", inputs=inputs, gt=gt, sam_fit=fit),
        dict(type="PackSegInputs", keep_original=True),
    ]
    return Config(dict(model=model, test_dataloader=dict(dataset=dict(pipeline=steps))))


def save_checkpoint(cfg: Config, path):
    init_default_scope("ultraref")
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict(), meta={}), path)
    return path


@pytest.fixture(scope="session")
def joint(tmp_path_factory) -> tuple[Config, str]:
    """Config and checkpoint of a phase-3 model that pads SAM's image and asks about each component."""
    model = tiny_refinement(gate=dict(type="UncertaintyGate", gamma=2.0, gate_max=0.7))
    model["refiner"] = dict(model["refiner"], roi=None)
    cfg = config(model, fit="pad")
    return cfg, str(save_checkpoint(cfg, tmp_path_factory.mktemp("joint") / "best.pth"))


@pytest.fixture(scope="session")
def stored(tmp_path_factory) -> tuple[Config, str]:
    """Config and checkpoint of a phase-2 model, which has no coarse network."""
    model = tiny_refinement(coarse_source=dict(type="FromSample", size=32), losses={}, loss_weights={})
    model["refiner"] = dict(model["refiner"], roi=None)
    cfg = config(model, inputs=("sam",), fit="pad")
    return cfg, str(save_checkpoint(cfg, tmp_path_factory.mktemp("stored") / "best.pth"))


@pytest.fixture(scope="session")
def coarse(tmp_path_factory) -> tuple[Config, str]:
    """Config and checkpoint of a coarse network."""
    model = dict(
        type="CoarseSegmentor",
        network=tiny_network(32),
        loss=dict(type="CEDiceLoss"),
        data_preprocessor=dict(type="SegDataPreprocessor"),
    )
    cfg = config(model, inputs=("coarse",), gt="coarse")
    return cfg, str(save_checkpoint(cfg, tmp_path_factory.mktemp("coarse") / "best.pth"))


@pytest.fixture
def images(tmp_path):
    """A folder with images of four sizes, one in a folder of its own."""
    folder = tmp_path / "images"
    shapes = {"a": (60, 90), "b": (90, 60), "deep/c": (64, 64), "d": (33, 120)}
    for seed, (name, shape) in enumerate(shapes.items()):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, shape, np.uint8))
    return folder
