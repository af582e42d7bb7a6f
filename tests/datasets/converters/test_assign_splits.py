"""How images and groups are dealt out."""

from collections import Counter

import numpy as np
import pytest

from ultraref.datasets.converters.assign_splits import (
    TEST,
    assign_grouped,
    assign_plain,
    shuffled,
    size_strata,
)

NAMES = [f"i{n:03d}" for n in range(647)]


def groups_of(sizes):
    """Groups of the given sizes, named after their first image."""
    groups, start = {}, 0
    for size in sizes:
        groups |= dict.fromkeys(NAMES[start : start + size], NAMES[start])
        start += size
    return groups


def test_the_order_is_fixed_for_all_machines():
    # The order of what `printf 0/a | sha256sum` and so on print: d3.. for a, 7d.. for b, 28.. for c, 9d.. for d.
    assert shuffled(list("abcd"), 0) == list("cbda")
    assert shuffled(NAMES, 0) == shuffled(NAMES[::-1], 0) != shuffled(NAMES, 1)


def test_plain_split_of_the_reference_size():
    parts = Counter(assign_plain(NAMES, seed=0, num_folds=5, test_percent=20).values())
    assert parts[TEST] == 129  # 20 % of 647 is 129.4; the reference has 129 and 518
    assert sorted(parts[fold] for fold in range(5)) == [103, 103, 104, 104, 104]


def test_groups_stay_whole_and_parts_get_their_share():
    rng = np.random.default_rng(0)
    sizes = [9, 7, 4] + [3] * 20 + [2] * 60 + [1] * 447
    groups = groups_of(sizes)
    strata = {name: str(rng.integers(0, 6)) for name in groups}
    parts = assign_grouped(groups, strata, seed=0, num_folds=5, test_percent=20)
    assert parts.keys() == groups.keys()
    for group in set(groups.values()):
        assert len({parts[name] for name in groups if groups[name] == group}) == 1
    counts = Counter(parts.values())
    assert abs(counts[TEST] - 129) <= 2
    assert all(abs(counts[fold] - 103.6) <= 2 for fold in range(5))
    for stratum in set(strata.values()):
        inside = Counter(parts[name] for name in strata if strata[name] == stratum)
        total = sum(inside.values())
        assert abs(inside[TEST] - 0.20 * total) <= 3
        assert all(abs(inside[fold] - 0.16 * total) <= 3 for fold in range(5))


def test_a_large_group_lands_in_one_part():
    groups = groups_of([40] + [1] * 10)
    parts = assign_grouped(groups, dict.fromkeys(groups, "x"), seed=0, num_folds=5, test_percent=20)
    big = {parts[name] for name in groups if groups[name] == NAMES[0]}
    assert len(big) == 1
    assert not any(parts[name] in big for name in groups if groups[name] != NAMES[0])


@pytest.mark.parametrize("test_percent", [0, 50, 100])
def test_extreme_shares(test_percent):
    groups = groups_of([1] * 100)
    strata = dict.fromkeys(groups, "x")
    for parts in (
        assign_grouped(groups, strata, seed=0, num_folds=5, test_percent=test_percent),
        assign_plain(list(groups), seed=0, num_folds=5, test_percent=test_percent),
    ):
        assert Counter(parts.values())[TEST] == test_percent


def test_seed_and_nothing_else_changes_the_assignment():
    groups = groups_of([2] * 100 + [1] * 100)
    strata = {name: name[-1] for name in groups}
    first = assign_grouped(groups, strata, 0, 5, 20)
    backwards = dict(reversed(groups.items()))
    assert assign_grouped(backwards, strata, 0, 5, 20) == first
    assert assign_grouped(groups, strata, 1, 5, 20) != first


def test_strata_are_thirds_of_the_size_within_the_class():
    categories = {name: "benign" if index < 6 else None for index, name in enumerate("abcdefghi")}
    areas = dict(zip("abcdefghi", [5, 50, 1, 3, 90, 10, 7, 7, 7]))
    strata = size_strata(categories, areas)
    assert [strata[name] for name in "cdafbe"] == [f"benign/{third}" for third in (0, 0, 1, 1, 2, 2)]
    assert [strata[name] for name in "ghi"] == ["None/0", "None/1", "None/2"]
