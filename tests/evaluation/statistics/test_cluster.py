"""Which images are one unit."""

import numpy as np
import pytest

from ultraref.evaluation.statistics import group_means, resampling_of


def row(name, group=None, kind=None, dataset="busbra"):
    return dict(name=name, dataset=dataset, group=group, group_kind=kind)


def test_patients_are_units():
    found = resampling_of([row("a", "p1", "patient"), row("b", "p1", "patient"), row("c", "p2", "patient")])
    assert (found.unit, found.count, str(found)) == ("patient", 2, "2 patients")
    assert found.groups[0] == found.groups[1] != found.groups[2]


def test_what_is_not_known_stands_alone():
    found = resampling_of([dict(name="a"), dict(name="b")])
    assert (found.unit, found.count, str(found)) == ("image", 2, "2 images")


def test_sets_keep_their_units_apart_and_each_says_what_it_knows():
    found = resampling_of([row("a", "1", "patient"), row("a", "1", "duplicate group", "busi")])
    assert found.count == 2
    assert str(found) == "2 units, each a patient or duplicate group"


def test_means_of_groups():
    values = np.array([1.0, 5.0, 3.0, 7.0])
    assert group_means(values, ["b", "a", "b", "c"]).tolist() == [2.0, 5.0, 7.0]
    assert group_means(values[:, None], None).shape == (4, 1)
    with pytest.raises(ValueError, match="4 values and 1 groups"):
        group_means(values, ["a"])


def test_few_units_come_with_a_warning():
    few = resampling_of([row(str(number), str(number // 2), "patient") for number in range(18)])
    assert few.warning == "; too few for an interval to rely on (under 10)"
    assert resampling_of([dict(name=str(number)) for number in range(10)]).warning == ""
