"""Several sets as one."""

from types import SimpleNamespace

import pytest

from ultraref.datasets import ConcatLesionDataset, LesionDataset


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


def test_different_coarse_sizes_are_refused():
    sets = [SimpleNamespace(data_root=name, coarse_size=size) for name, size in (("busi", 64), ("bus", 224))]
    with pytest.raises(ValueError, match=r"busi.*64.*bus.*224"):
        ConcatLesionDataset(sets)
    with pytest.raises(ValueError, match="no data set"):
        ConcatLesionDataset([])
