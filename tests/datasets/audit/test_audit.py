"""What the audit finds in sets with planted duplicates, and what it says of it."""

import csv
import io
import json

import numpy as np
import pytest

from ultraref.datasets import LesionDataset
from ultraref.datasets.audit import audit, draw_scatter, pair_sheet
from ultraref.datasets.judged_pairs import JudgedPairs


@pytest.fixture
def leaking(planter, pictures, alter):
    """Two sets: exact, near, mirrored copies, a patient in two folds, a copy in the other set."""
    first, second = planter("first"), planter("second")
    first.add("a0", pictures[0], 0)
    first.add("a1", pictures[0], 1)  # exact, across folds
    first.add("b0", pictures[1], 0)
    first.add("b1", alter(pictures[1]), 0, category="malignant")  # near, within a fold, other class
    first.add("c1", pictures[2], 1)
    first.add("c2", np.ascontiguousarray(pictures[2][:, ::-1]), 2)  # mirrored, across folds
    first.add("p0", pictures[3], 0, patient="anna")
    first.add("p2", pictures[4], 2, patient="anna")
    first.add("z1", pictures[5], 1)
    second.add("x0", alter(pictures[5], 7), 0)  # z1 of the other set, in another fold
    second.add("x1", pictures[6], 1)
    second.add("x2", alter(pictures[2]), 1)  # c1 of the other set, in the same fold
    second.add("y2", pictures[7], 2)
    return first.write("first"), second.write("second")


def named(outcome, pairs):
    return {(outcome.images[pair.first].name, outcome.images[pair.second].name) for pair in pairs}


def test_finds_what_was_planted_and_nothing_else(leaking):
    outcome = audit(list(leaking))
    assert named(outcome, outcome.confirmed) == {
        ("a0", "a1"),
        ("b0", "b1"),
        ("c1", "c2"),
        ("c1", "x2"),
        ("c2", "x2"),
        ("z1", "x0"),
    }
    assert named(outcome, outcome.leaks) == {("a0", "a1"), ("c1", "c2"), ("c2", "x2"), ("z1", "x0")}
    assert named(outcome, outcome.two_classes) == {("b0", "b1")}
    flips = {(outcome.images[p.first].name, outcome.images[p.second].name): p.flip for p in outcome.confirmed}
    assert {names for names, flip in flips.items() if flip == "left-right"} == {("c1", "c2"), ("c2", "x2")}
    assert [pair.exact for pair in outcome.confirmed if outcome.images[pair.first].name == "a0"] == [True]
    assert list(outcome.split_patients) == [("first", "anna")]
    counts = outcome.counts()
    assert counts["exact"] == {"within a part": 0, "across folds": 1, "training and test": 0, "across sets": 0}
    assert counts["near"] == {"within a part": 1, "across folds": 0, "training and test": 0, "across sets": 2}
    assert counts["mirrored"] == {"within a part": 0, "across folds": 1, "training and test": 0, "across sets": 1}
    assert counts["one lesion in two classes"]["within a part"] == 1
    assert outcome.is_leaking


def test_without_what_the_manifest_excludes_nothing_leaks(leaking, tmp_path):
    outcome = audit(list(leaking))
    reasons = outcome.exclusions().reasons
    # One of a pair stays, and the majority: c1 and x2 in fold 1 against c2 in fold 2.
    assert {name for own in reasons.values() for name in own} == {"a1", "c2", "p2", "z1"}
    assert "c2" in reasons["first"]
    assert "same as or of one patient with" in reasons["first"]["c2"]
    path = tmp_path / "exclude.json"
    path.write_text(outcome.exclusions().to_json())
    left = {
        image.name
        for root in leaking
        for image in outcome.images
        if image.path.is_relative_to(root) and image.name in LesionDataset(root, exclude=str(path)).names
    }
    assert not any(first in left and second in left for first, second in named(outcome, outcome.leaks))
    assert len(left) == len(outcome.images) - 4


def test_test_images_stay(phantom_root):
    outcome = audit([phantom_root])
    assert not outcome.leaks
    # A made-up pair of a test image with a training image: the training image goes.
    test = next(i for i, image in enumerate(outcome.images) if image.part == "test")
    training = [i for i, image in enumerate(outcome.images) if image.part != "test"][:3]
    from dataclasses import replace

    from ultraref.datasets.audit import Pair

    pairs = [Pair(*sorted((test, other)), "", 2, 0.99, 0.9, 20.0, False, True) for other in training]
    excluded = replace(outcome, pairs=pairs).exclusions().reasons["phantoms"]
    assert set(excluded) == {outcome.images[i].name for i in training}


def test_report_and_pictures(leaking):
    outcome = audit(list(leaking))
    content = json.loads(outcome.to_json())
    assert content["leaking"]
    assert sum(pair["leaks"] for pair in content["pairs"]) == 4
    assert [entry["name"] for entry in content["datasets"]] == ["first", "second"]
    assert content["patients_in_several_parts"][0]["patient"] == "anna"
    sheet = pair_sheet(outcome.images, outcome.confirmed, columns=2, tile=40)
    assert sheet.shape == (3 * 80, 2 * 86, 3)
    # The first pair is an exact one: both tiles alike.
    np.testing.assert_array_equal(sheet[34:74, :40], sheet[34:74, 40:80])
    assert pair_sheet(outcome.images, [], tile=40).shape[2] == 3
    assert len(draw_scatter(outcome, 76).axes[0].collections) == 2


def test_sets_of_one_name_are_refused(phantom_root):
    with pytest.raises(ValueError, match="under its own name"):
        audit([phantom_root, phantom_root])


def test_verdicts_stand_above_the_rules(leaking, tmp_path):
    first = audit(list(leaking))
    path = tmp_path / "pairs.csv"
    path.write_text(first.to_csv(60))
    again = audit(list(leaking), judged=JudgedPairs.read(path))
    assert named(again, again.confirmed) == named(first, first.confirmed)
    assert all(pair.judged for pair in again.confirmed)
    rows = ["first_set,first,second_set,second,verdict", "first,a0,first,a1,rejected", "second,x0,first,p0,accepted"]
    path.write_text("\n".join(rows) + "\n")
    judged = audit(list(leaking), judged=JudgedPairs.read(path))
    assert named(judged, judged.confirmed) == (named(first, first.confirmed) - {("a0", "a1")}) | {("p0", "x0")}


def test_pairs_are_ranked_leaks_first_and_numbered_as_on_the_sheet(leaking):
    outcome = audit(list(leaking), max_distance=112)
    ranked = outcome.ranked
    assert named(outcome, ranked[:4]) == named(outcome, outcome.leaks)
    scores = [pair.score for pair in ranked[:4]]
    assert scores == sorted(scores, reverse=True)
    rows = list(csv.DictReader(io.StringIO(outcome.to_csv(5))))
    assert [row["number"] for row in rows[:5]] == ["1", "2", "3", "4", "5"]
    assert [row["verdict"] for row in rows[:4]] == ["accepted"] * 4
    assert len(rows) == len(set(range(5)) | {place for place, pair in enumerate(ranked) if pair.confirmed})
    assert outcome.unrelated.count > 30


def test_alike_layers_alone_are_possible_and_no_leak(planter, pictures):
    """Of unrelated pictures some correlate as far as asked for; none is confirmed."""
    own = planter("strangers")
    for number in range(6):
        own.add(f"s{number}", pictures[number], number % 2)
    outcome = audit([own.write("strangers")], max_distance=140, min_correlation=0.1)
    assert outcome.possible
    assert not outcome.confirmed
    assert all(pair.correlation >= 0.1 for pair in outcome.possible_leaks)
