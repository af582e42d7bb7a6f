"""Several sets as one."""

import shutil

import pytest

from ultraref.datasets import ConcatLesionDataset, LesionDataset
from ultraref.errors import UserError
from ultraref.registry import DATASETS


def parts(phantom_root):
    keep = [lambda results: results]
    return [LesionDataset(phantom_root, "val", 0, pipeline=keep), LesionDataset(phantom_root, "test", pipeline=keep)]


def test_samples_follow_each_other(phantom_root):
    first, second = parts(phantom_root)
    both = ConcatLesionDataset([first, second])
    assert len(both) == len(first) + len(second)
    assert [both[i]["name"] for i in range(len(both))] == first.names + second.names == both.names
    assert len(both.image_hashes) == len(both)
    with pytest.raises(IndexError):
        both[len(both)]


def test_equal_places_of_two_sets_draw_different_numbers(phantom_root):
    both = ConcatLesionDataset(parts(phantom_root))
    draws = {both[3, i]["rng"].random() for i in range(len(both))}
    assert len(draws) == len(both)


def test_balanced_sets_have_equal_shares_and_repeats_draw_anew(phantom_root):
    first, second = parts(phantom_root)
    larger, smaller = sorted((first, second), key=len, reverse=True)
    smaller.names = smaller.names[:2]
    both = ConcatLesionDataset([larger, smaller], balance=True)
    assert len(both) == 2 * len(larger)
    samples = [both[epoch, i] for epoch in range(2) for i in range(len(both))]
    names = [sample["name"] for sample in samples[: len(both)]]
    assert names == both.names
    assert names[len(larger) :] == [smaller.names[i % 2] for i in range(len(larger))]
    assert len({sample["rng"].random() for sample in samples}) == len(samples)


def test_different_coarse_sizes_are_refused(phantom_root):
    sets = parts(phantom_root)
    for dataset, size in zip(sets, (64, 224)):
        dataset.coarse_size = size
    with pytest.raises(ValueError, match=r"phantoms 64 px.*phantoms 224 px"):
        ConcatLesionDataset(sets)
    with pytest.raises(ValueError, match="no data set"):
        ConcatLesionDataset([])


def test_two_sets_of_one_name_are_refused(phantom_root, tmp_path):
    shutil.copytree(phantom_root, tmp_path / "other")
    keep = [lambda results: results]
    sets = [LesionDataset(root, "test", pipeline=keep) for root in (phantom_root, tmp_path / "other")]
    with pytest.raises(UserError, match=r"two sets are called 'phantoms', .*other.* --name"):
        ConcatLesionDataset(sets)


def test_what_sets_share_is_stated_once(phantom_root):
    draw = [lambda results: (results["name"], results["sizes"], results["rng"].random())]
    shared = dict(split="train", fold=1, pipeline=draw, seed=5, sizes={"coarse": 32, "sam": 64})
    items = [
        dict(data_root=str(phantom_root)),
        dict(data_root=str(phantom_root), fold=None),
        dict(type="ultraref.LesionDataset", data_root=str(phantom_root), split="test", sizes={"sam": 8}, seed=6),
    ]
    both = DATASETS.build(dict(type="ConcatLesionDataset", datasets=items, **shared))
    apart = [LesionDataset(**{**shared, **{k: v for k, v in item.items() if k != "type"}}) for item in items]
    assert both.names == [name for dataset in apart for name in dataset.names]
    assert [d.fold for d in both.datasets] == [1, None, 1]
    assert both.coarse_size is None
    start = 0
    for dataset in apart:
        dataset.first_index = start
        assert both[2, start] == dataset[2, 0]
        assert both.describe(start, 2)["rng"].random() == dataset[2, 0][2]
        start += len(dataset)
    assert items[0] == dict(data_root=str(phantom_root))  # the config is as it was


def test_a_set_that_does_not_take_what_is_shared_is_named(phantom_root):
    coco = dict(type="CocoLesionDataset", ann_file="coco.json")
    with pytest.raises(ValueError, match=r"datasets\[1\] is a CocoLesionDataset, which takes no predictions"):
        ConcatLesionDataset([dict(data_root=str(phantom_root), predictions=None), coco], fold=0, predictions="store")
