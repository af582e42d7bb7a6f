"""The published BUSI files: the grouped split leaks nothing by hash or correlation; the plain one leaks."""

from collections import Counter

import pytest

from ultraref.datasets.audit import audit
from ultraref.datasets.converters import convert, find_busi
from ultraref.datasets.likeness.perceptual_hash import connected_groups

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


@pytest.fixture(scope="module")
def outcome(busi_root, tmp_path_factory):
    """The audit of the grouped split; its pairs don't depend on the split."""
    folder = tmp_path_factory.mktemp("busi_audit")
    convert(find_busi(busi_root), folder / "busi", "busi")
    return audit([folder / "busi"], max_distance=90)


def test_grouped_split_is_clean(outcome):
    assert not outcome.is_leaking
    assert not [p for p in outcome.pairs if p.distance <= 76 and not p.flip and not _one_part(outcome, p)]
    assert len(outcome.confirmed) > 150


def test_numbers_of_near_duplicates(outcome):
    plain = [pair for pair in outcome.pairs if not pair.flip]
    for distance, clustered in ((10, 54), (20, 162), (30, 221)):
        pairs = [(pair.first, pair.second) for pair in plain if pair.distance <= distance]
        sizes = Counter(connected_groups(len(outcome.images), pairs)).values()
        assert sum(size for size in sizes if size > 1) == clustered
    classes = [[outcome.images[i].category for i in (p.first, p.second)] for p in plain if p.distance <= 10]
    assert sum(first != second for first, second in classes) == 4


def test_plain_split_leaks(outcome, busi_root, tmp_path):
    convert(find_busi(busi_root), tmp_path / "busi", "busi", ungrouped=True)
    assert audit([tmp_path / "busi"], max_distance=10).leaks


def _one_part(outcome, pair):
    return outcome.images[pair.first].part == outcome.images[pair.second].part
