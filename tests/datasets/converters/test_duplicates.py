"""Near-duplicates of a set: plain, mirrored and cropped ones, and groups that are too large."""

import cv2
import numpy as np
import pytest

from ultraref.datasets.converters.duplicates import DuplicatePair, divide, find_duplicates, largest_allowed
from ultraref.datasets.likeness.perceptual_hash import connected_groups
from ultraref.datasets.likeness.view import View
from ultraref.testing.screenshot import make_tissue

TISSUES = [make_tissue(np.random.default_rng(seed), 150, 200) for seed in range(24)]


def found(*copies):
    duplicates = find_duplicates([View.of(image) for image in (*TISSUES, *copies)])
    return {(pair.first, pair.second): pair.flip for pair in duplicates.pairs}


def test_nothing_among_unrelated_images():
    assert found() == {}


def test_copies_are_found_with_how_they_are_mirrored():
    cropped = cv2.resize(TISSUES[2][9:-9, 12:-12], (200, 150))
    copies = (
        np.ascontiguousarray(TISSUES[0][:, ::-1]),
        TISSUES[1][::-1].copy(),
        cropped,
        cv2.resize(TISSUES[3], (90, 70)),
    )
    assert found(*copies) == {(0, 24): "left-right", (1, 25): "up-down", (2, 26): "", (3, 27): ""}


@pytest.mark.parametrize(
    ("count", "largest"), [(10, 6), (300, 6), (301, 6), (350, 7), (647, 12), (1500, 30), (9000, 30)]
)
def test_what_is_large_is_2_percent_or_30(count, largest):
    assert largest_allowed(count) == largest


def chain(*distances):
    return [DuplicatePair(place, place + 1, distance) for place, distance in enumerate(distances)]


def test_a_large_group_is_divided_at_its_farthest_pairs():
    pairs = chain(10, 50, 20, 60, 30)  # 0-1 2-3 4-5 at 30 bits
    left = divide(range(6), pairs, 2)
    assert [pair.distance for pair in left] == [10, 20, 30]
    assert divide(range(6), pairs, 4) == [pair for pair in pairs if pair.distance < 60]
    # Pairs of one distance stay or go together, whatever their order.
    assert divide(range(4), chain(20, 20, 20), 2) == []


def test_dividing_respects_places_that_are_not_consecutive():
    pairs = [DuplicatePair(10, 40, 5), DuplicatePair(40, 90, 70)]
    assert divide([10, 40, 90], pairs, 2) == pairs[:1]
    assert connected_groups(91, [(10, 40)])[90] == 90
