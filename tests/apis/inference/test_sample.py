"""From images, coarse masks and prompts to what the model takes."""

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ultraref.apis.inference.sample import Request, SampleMaker, inference_steps, split_lesions
from ultraref.errors import UserError

SIZES = {"coarse": 32, "sam": 64}
IMAGE = np.zeros((50, 100), np.uint8)


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")


@pytest.fixture
def cfg(joint) -> Config:
    return joint[0]


def test_steps_that_need_a_data_set_are_left_out(cfg):
    steps = inference_steps(cfg)
    assert [step["type"] for step in steps] == ["ResizeToModels", "PackSegInputs"]
    assert steps[-1]["keep_original"] is False
    assert cfg.test_dataloader.dataset.pipeline[-1].keep_original is True


def test_a_config_without_a_test_set():
    with pytest.raises(UserError, match=r"no test_dataloader\.dataset\.pipeline"):
        inference_steps(Config(dict(model=dict())))


def test_places_keep_pixel_centres(cfg):
    """The image, 100 wide, fills SAM's 64 px: pixel j has its centre at (j + 0.5) * 0.64 - 0.5 there, padded or not."""
    maker = SampleMaker(cfg, SIZES)
    prepared = maker(Request("x", IMAGE, boxes=[[0, 0, 99, 49]], points=[[49.5, 24.5, 1]]))
    np.testing.assert_allclose(prepared.boxes[0], [-0.18, -0.18, 63.18, 31.18], atol=1e-5)
    np.testing.assert_allclose(prepared.points[0], [31.5, 15.5, 1], atol=1e-5)


def test_a_soft_mask_keeps_its_outline(cfg):
    mask = np.zeros((50, 100), np.float32)
    mask[10:40, 20:80] = 1
    hard = SampleMaker(cfg, SIZES, softness=0)(Request("x", IMAGE, coarse=mask)).coarse_parts[0]
    soft = SampleMaker(cfg, SIZES, softness=1)(Request("x", IMAGE, coarse=mask)).coarse_parts[0]
    assert hard.shape == soft.shape == (32, 32)
    assert ((hard > 0.5) == (soft > 0.5)).mean() > 0.99
    undecided = ((soft > 0.2) & (soft < 0.8)).sum()
    assert undecided > ((hard > 0.2) & (hard < 0.8)).sum()


def test_a_probability_is_not_softened(cfg):
    prob = np.full((50, 100), 0.3, np.float32)
    part = SampleMaker(cfg, SIZES, softness=1)(Request("x", IMAGE, coarse=prob)).coarse_parts[0]
    np.testing.assert_allclose(part, 0.3, atol=1e-6)


def test_lesions_are_split_and_lose_nothing(cfg):
    prob = np.full((40, 80), 0.1, np.float32)
    prob[5:15, 5:20], prob[20:35, 50:70] = 0.9, 0.8
    first, second = split_lesions(prob)
    np.testing.assert_array_equal(np.maximum(first, second), prob)
    assert not ((first > 0) & (second > 0)).any()
    assert first[10, 10] == np.float32(0.9)
    assert second[30, 60] == np.float32(0.8)
    assert len(SampleMaker(cfg, SIZES, each_lesion=True)(Request("x", IMAGE[:40, :80], coarse=prob)).coarse_parts) == 2


def test_one_lesion_or_none_is_not_split():
    prob = np.zeros((10, 10), np.float32)
    assert split_lesions(prob)[0] is prob
    prob[2:4, 2:4] = 1
    assert len(split_lesions(prob)) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(coarse=np.zeros((100, 50), np.float32)), r"coarse mask is \(100, 50\), the image \(50, 100\)"),
        (dict(boxes=[[10, 10, 5, 20]]), "x1 < x2"),
        (dict(boxes=[[10, 10, 20]]), "rows of 4"),
        (dict(boxes=[[10, 10, 120, 20]]), "outside of the image, which is 100 px wide and 50 px high"),
        (dict(boxes=[[10, 10, float("nan"), 20]]), "finite"),
        (dict(boxes=["left"]), "rows of 4 numbers"),
        (dict(points=[[10, 10, 2]]), "label 1 in the lesion or 0"),
        (dict(points=[[10, 10, 1]], boxes=[[1, 1, 5, 5], [6, 6, 9, 9]]), "points go with one box"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(cfg, given, message):
    with pytest.raises(UserError, match=rf"^case: .*{message}"):
        SampleMaker(cfg, SIZES)(Request("case", IMAGE, **given))
