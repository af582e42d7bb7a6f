"""The model behind the page: a tiny one with random weights, and LiteMedSAM where its weights are."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ultraref.apis import UltraRefInferencer
from ultraref.apis.demo import demo_model
from ultraref.apis.demo.demo_model import DemoModel, make_demo_model
from ultraref.apis.demo.prompting import Ask
from ultraref.apis.demo.session import Session
from ultraref.errors import UserError
from ultraref.registry import MODELS
from ultraref.testing.phantom import make_phantom
from ultraref.testing.tiny_models import tiny_refinement, tiny_refiner

STEPS = [
    dict(type="ResizeToModels", inputs=("coarse", "sam"), gt="sam"),
    dict(type="PackSegInputs", keep_original=True),
]


@pytest.fixture(scope="module")
def inferencer(tmp_path_factory):
    """A tiny refinement model, which makes no coarse mask, with its cache."""
    folder = tmp_path_factory.mktemp("tiny")
    model = tiny_refinement(
        coarse_source=dict(type="FromSample", size=32),
        refiner=tiny_refiner(roi=None),
        gate=dict(type="ConstantGate", value=0.5),
        losses={},
        loss_weights={},
    )
    model["refiner"]["sam"]["freeze"] = ["image_encoder"]
    init_default_scope("ultraref")
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(model).state_dict(), meta={}), folder / "tiny.pth")
    cfg = Config(dict(model=model, test_dataloader=dict(dataset=dict(pipeline=STEPS))))
    built = UltraRefInferencer(cfg, folder / "tiny.pth", "cpu", embedding_cache=folder / "embeddings")
    return built, folder / "embeddings"


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (90, 120), np.uint8)


def test_the_answer_is_the_inferencers(inferencer, image):
    built, cache = inferencer
    model = DemoModel(built, "tiny", cache)
    assert (model.makes_coarse, model.knows_points) == (False, True)
    box, points = (20.0, 30.0, 70.0, 60.0), ((40.0, 40.0, 1), (5.0, 5.0, 0))
    sample, ask = model.ask("a", image, None, [Ask(box, points)])
    (expected,) = built(image, boxes=[box], points=points)
    torch.testing.assert_close(sample.refined.data, expected.refined.data)
    assert ask == Ask(box, points)
    coarse = np.zeros(image.shape, bool)
    coarse[20:60, 30:80] = True
    sample, ask = model.ask("a", image, coarse, [])
    (expected,) = built(image, coarse=coarse)
    torch.testing.assert_close(sample.refined.data, expected.refined.data)
    assert ask is None


def test_the_highest_predicted_iou_wins(inferencer, image):
    built, cache = inferencer
    asks = [Ask((10.0, 10.0, 10.0 + side, 10.0 + side)) for side in (15.0, 30.0, 60.0)]
    alone = [built(image, boxes=[ask.box])[0].metainfo["predicted_iou"] for ask in asks]
    sample, ask = DemoModel(built, "tiny", cache).ask("a", image, None, asks)
    assert ask == asks[int(np.argmax(alone))]
    assert sample.metainfo["predicted_iou"] == pytest.approx(max(alone), abs=1e-5)


def test_a_prepared_image_is_not_encoded_again(inferencer, image, monkeypatch):
    built, cache = inferencer
    model = DemoModel(built, "tiny", cache)
    model.prepare(255 - image)
    calls = []
    sam = built.model.refiner.sam
    monkeypatch.setattr(sam, "encode", lambda *args: calls.append(args))
    model.ask("a", 255 - image, None, [Ask(None, ((4.0, 5.0, 1),))])
    assert calls == []


def test_old_embeddings_go(inferencer, image, monkeypatch):
    built, cache = inferencer
    monkeypatch.setattr(demo_model, "KEPT_EMBEDDINGS", 2)
    model = DemoModel(built, "tiny", cache)
    for shift in range(4):
        model.prepare(np.roll(image, shift + 1, axis=1))
    assert len(list(cache.rglob("*.npy"))) == 2


def test_a_model_that_refines_nothing_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"phase1/unet\.py: is a CoarseSegmentor; the demo needs a refinement model"):
        make_demo_model("phase1/unet.py", None, "cpu", tmp_path, 10**6)


def test_lite_medsam_finds_a_phantoms_lesion_by_one_click_and_by_a_box(tmp_path):
    if not (Path(os.environ.get("ULTRAREF_WEIGHTS", "")) / "lite_medsam.pth").is_file():
        pytest.skip("needs lite_medsam.pth in the folder that ULTRAREF_WEIGHTS names")
    phantom = make_phantom(np.random.default_rng(3))
    model = make_demo_model("refine/lite_medsam.py", None, "cpu", tmp_path, 10**6)
    assert not model.knows_points
    session = Session(model, 10**6)
    session.open(cv2.imencode(".png", phantom.image)[1].tobytes(), "phantom.png")
    lesion = phantom.masks[0] > 0
    ys, xs = np.nonzero(lesion)
    session.add_point(xs.mean(), ys.mean(), 1)
    assert dice(session.mask(), lesion) > 0.7
    session.clear()
    session.set_box(xs.min(), ys.min(), xs.max(), ys.max())
    assert dice(session.mask(), lesion) > 0.85


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())
