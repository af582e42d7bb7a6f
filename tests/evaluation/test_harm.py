"""Who is harmed, on a table made by hand."""

import pytest

from ultraref.evaluation.harm import harm_breakdown, harm_by_bins, harm_by_value, worst_cases


def row(name, coarse, delta, area=100.0, **columns):
    return dict(dataset="busi", name=name, coarse_dice=coarse, delta_dice=delta, lesion_area=area, **columns)


ROWS = [
    row("a", 0.3, -0.2, 10.0, case_class="benign", case_birads=4.0),
    row("b", 0.5, -0.03, 20.0, case_class="benign", case_birads=5.0),
    row("c", 0.85, 0.02, 30.0, case_class="malignant", case_birads=4.0),
    row("d", 1.0, 0.0, 40.0, case_class="malignant", case_birads=None),
]


def test_bins_hold_their_lower_edge_and_the_last_one_both():
    groups = harm_by_bins(ROWS, "coarse_dice", (0.0, 0.5, 0.7, 0.8, 0.9, 1.0))
    assert [(group.label, group.images) for group in groups] == [
        ("0 to 0.5", 1),
        ("0.5 to 0.7", 1),
        ("0.8 to 0.9", 1),
        ("0.9 to 1", 1),
    ]
    assert [group.harmed for group in groups] == [1, 1, 0, 0]
    assert [group.harmed_5 for group in groups] == [1, 0, 0, 0]
    assert groups[0].harmed_ci95 == (1, 1)


def test_by_class_and_birads():
    benign, malignant = harm_by_value(ROWS, "case_class")
    assert (benign.label, benign.images, benign.harmed, malignant.helped) == ("benign", 2, 1, 0.5)
    assert benign.delta_dice == pytest.approx(-0.115)
    assert benign.worst == -0.2
    assert [group.label for group in harm_by_value(ROWS, "case_birads")] == ["4", "5", "unknown"]


def test_all_that_the_table_has():
    found = harm_breakdown(ROWS)
    assert sorted(found) == ["case_birads", "case_class", "coarse_dice", "lesion_area"]
    assert [group.images for group in found["lesion_area"]] == [1, 1, 1, 1]
    assert sorted(harm_breakdown([row("a", 0.5, 0.1), row("b", 0.5, 0.1, case_class="benign")])) == [
        "case_class",
        "coarse_dice",
    ]


def test_the_worst_come_first_and_only_those_that_fall():
    assert [case["name"] for case in worst_cases(ROWS)] == ["a", "b"]
    assert [case["name"] for case in worst_cases(ROWS, 1)] == ["a"]


def test_a_model_without_refinement_harms_nobody():
    with pytest.raises(ValueError, match="delta_dice"):
        harm_breakdown([dict(dataset="busi", name="a", coarse_dice=0.5)])
