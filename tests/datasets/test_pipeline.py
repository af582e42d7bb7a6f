"""Transforms of other packages: repeatable, and unable to move an image away from its coarse probability."""

# ruff: noqa: NPY002 (numpy's global generator is what this is about)
import hashlib
import random

import mmcv.transforms
import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from torch.utils.data import DataLoader

from ultraref.datasets import ConcatLesionDataset, LesionDataset, stack_collate
from ultraref.datasets.pipeline import Pipeline
from ultraref.registry import TRANSFORMS

SIZES = {"coarse": 32, "sam": 64}


class PhotoMetric(BaseTransform):
    """Brightness and contrast as MMSegmentation's PhotoMetricDistortion draws them: from the global generators."""

    def transform(self, results: dict) -> dict:
        image = results["img"].astype(np.float32)
        if np.random.randint(2):
            image += random.uniform(-32, 32)
        image *= np.random.uniform(0.5, 1.5)
        image += torch.randn(image.shape).numpy()
        results["img"] = np.clip(image, 0, 255).astype(np.uint8)
        return results


class Identity(BaseTransform):
    def transform(self, results: dict) -> dict:
        return results


class Roll(BaseTransform):
    """Moves pixels, in place, without a word."""

    def transform(self, results: dict) -> dict:
        for key in ("img", "gt_seg_map"):
            results[key][:] = np.roll(results[key], 7, axis=1)
        return results


LOAD = [{"type": "LoadImage"}, {"type": "LoadLesionMask"}]
RESIZE = {"type": "RandomResize", "scale": (96, 64), "ratio_range": (0.5, 2.0), "keep_ratio": True}
FLIP = {"type": "RandomFlip", "prob": 0.5}
SIMULATE = {"type": "SimulateCoarse", "augmentor": {"type": "MaskErrorAugmentor", "preset": "default"}}
FOREIGN = [*LOAD, RESIZE, FLIP, PhotoMetric(), SIMULATE, {"type": "ResizeToModels"}, {"type": "PackSegInputs"}]


def digest(sample) -> str:
    inputs = sample["inputs"]
    parts = [inputs[name].numpy().tobytes() for name in sorted(inputs) if name != "gt"]
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.fixture
def dataset(phantom_root):
    return LesionDataset(phantom_root, "train", 0, pipeline=FOREIGN, seed=4, sizes=SIZES)


def test_transforms_of_mmcv_are_found_by_name():
    pipeline = Pipeline([RESIZE, FLIP])
    assert [type(step) for step in pipeline.transforms] == [mmcv.transforms.RandomResize, mmcv.transforms.RandomFlip]
    assert issubclass(TRANSFORMS.get("RandomRotateFlip"), BaseTransform)


def test_they_keep_image_and_mask_aligned(phantom_root):
    """The image is replaced by its mask, so that the two must stay alike to the interpolation of the outline."""

    def mask_as_image(results):
        results["img"] = results["gt_seg_map"] * np.uint8(255)
        return results

    dataset = LesionDataset(phantom_root, pipeline=[*LOAD, mask_as_image, RESIZE, FLIP], sizes=SIZES)
    shapes, flips = set(), set()
    for index in range(len(dataset)):
        results = dataset[index]
        assert results["img"].shape == results["gt_seg_map"].shape == results["img_shape"]
        assert set(np.unique(results["gt_seg_map"])) <= {0, 1}
        assert ((results["img"] > 127) != results["gt_seg_map"]).mean() < 0.02
        shapes.add(results["img"].shape)
        flips.add(results["flip"])
    assert len(shapes) > 3
    assert flips == {True, False}


def test_samples_repeat_bit_for_bit_with_any_workers_and_in_any_order(dataset):
    expected = [digest(dataset[3, index]) for index in range(len(dataset))]
    assert len(set(expected)) == len(expected)
    assert [digest(dataset[3, index]) for index in reversed(range(len(dataset)))][::-1] == expected
    assert not {digest(dataset[4, index]) for index in range(len(dataset))} & set(expected)
    keys = [(3, index) for index in range(len(dataset))]
    for workers in (0, 2):
        loader = DataLoader(dataset, sampler=keys, batch_size=1, num_workers=workers, collate_fn=stack_collate)
        for _ in range(2):
            assert [digest(batch) for batch in loader] == expected


def test_sets_that_are_joined_draw_other_numbers(phantom_root):
    draw = [lambda results: (np.random.random(), random.random(), torch.rand(()).item(), results["rng"].random())]
    items = [dict(data_root=str(phantom_root)), dict(data_root=str(phantom_root))]
    both = ConcatLesionDataset(items, pipeline=draw, seed=4)
    numbers = [number for index in range(len(both)) for number in both[index]]
    assert len(set(numbers)) == len(numbers)


def test_training_s_own_random_numbers_are_not_disturbed(dataset):
    def draws():
        return np.random.random(3).tolist(), random.random(), torch.rand(3).tolist()

    def fail(results):
        np.random.random()
        raise RuntimeError

    np.random.seed(1), random.seed(1), torch.manual_seed(1)
    expected = draws()
    np.random.seed(1), random.seed(1), torch.manual_seed(1)
    dataset[0]
    dataset.pipeline.transforms.append(fail)
    with pytest.raises(RuntimeError):
        dataset[0]
    assert draws() == expected


def test_the_samples_own_generator_is_not_disturbed(phantom_root):
    dataset = LesionDataset(phantom_root, seed=4, pipeline=[*LOAD, FLIP, PhotoMetric(), lambda r: r["rng"].random(5)])
    assert dataset[2, 3].tolist() == np.random.default_rng([4, 2, 3]).random(5).tolist()


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        (FLIP, "flip"),
        (RESIZE, "scale_factor"),
        ({"type": "CenterCrop", "crop_size": (50, 50)}, "img"),
        ({"type": "Pad", "size": (500, 500)}, "img"),
        (Roll(), "gt_seg_map"),
        ({"type": "RandomApply", "transforms": [Roll()], "prob": 1.0}, "gt_seg_map"),
    ],
)
def test_a_foreign_transform_that_leaves_coarse_prob_behind_is_refused(phantom_root, step, shown):
    name = step["type"] if isinstance(step, dict) else type(step).__name__

    def simulate(results):
        return results | {"coarse_prob": np.zeros((32, 32), np.float32), "coarse_origin": "simulated"}

    with pytest.raises(ValueError, match=rf"{name} moves pixels \(.*{shown}.* changed\).*before SimulateCoarse"):
        LesionDataset(phantom_root, pipeline=[*LOAD, simulate, step])[0]
    LesionDataset(phantom_root, pipeline=[*LOAD, step, simulate])[0]


@pytest.mark.parametrize("step", [FLIP, {"type": "RandomRotateFlip"}, Roll()])
def test_a_stored_coarse_prob_after_pixels_were_moved_is_refused(phantom_root, step):
    def stored(results):
        return results | {"coarse_prob": np.zeros((32, 32), np.float32), "coarse_origin": "stored"}

    name = step["type"] if isinstance(step, dict) else type(step).__name__
    with pytest.raises(ValueError, match=rf"{name} moves pixels before stored loads.*Put stored first"):
        LesionDataset(phantom_root, pipeline=[*LOAD, step, stored])[0]


@pytest.mark.parametrize("step", [PhotoMetric(), Identity(), {"type": "RandomRotateFlip"}])
def test_what_moves_nothing_or_carries_coarse_prob_along_may_follow(phantom_root, step):
    assert "coarse_prob" in LesionDataset(phantom_root, pipeline=[*LOAD, SIMULATE, step], sizes=SIZES)[0]


def test_a_transform_that_moves_coarse_prob_itself_may_follow(phantom_root):
    def mirror(results):
        for key in ("img", "gt_seg_map", "coarse_prob"):
            results[key] = results[key][:, ::-1]
        return results

    dataset = LesionDataset(phantom_root, pipeline=[*LOAD, SIMULATE, mirror], sizes=SIZES)
    assert dataset[0]["coarse_prob"].shape == (32, 32)


def test_a_transform_that_drops_a_sample_is_named(phantom_root):
    def drop(results):
        return None

    dataset = LesionDataset(phantom_root, pipeline=[*LOAD, drop])
    with pytest.raises(ValueError, match=rf"drop returned None for the sample '{dataset.names[1]}'"):
        dataset[1]
