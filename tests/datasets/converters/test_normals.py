"""Which part an image without a lesion goes to."""

from ultraref.datasets.converters.grouping import SplitPlan
from ultraref.datasets.converters.normals import deal_normals, with_normals

PARTS = {"a": "test", "b": 0, "c": 1}


def deal(normals, groups, ungrouped=False):
    return deal_normals(normals, PARTS, groups, seed=0, folds=[0, 1], test_percent=20, ungrouped=ungrouped)


def test_it_follows_the_lesions_of_its_group():
    groups = {"a": "anna", "b": "b", "c": "c", "n1": "anna", "n2": "c"}
    assert deal(["n1", "n2"], groups) == ({"n1": "test", "n2": 1}, [])


def test_a_group_with_lesions_in_two_parts_leaves_its_normals_out():
    assert deal(["n"], {"a": "anna", "b": "anna", "c": "c", "n": "anna"}) == ({}, ["n"])


def test_groups_of_normals_stay_whole_and_are_spread():
    free = {f"n{i}": f"g{i // 2}" for i in range(20)}
    found, torn = deal(list(free), {"a": "a", "b": "b", "c": "c", **free})
    assert not torn
    assert all(found[f"n{i}"] == found[f"n{i + 1}"] for i in range(0, 20, 2))
    assert [sum(part == own for part in found.values()) for own in ("test", 0, 1)] == [4, 8, 8]


def test_single_images_are_dealt_out_when_nothing_is_grouped():
    free = {f"n{i}": "one" for i in range(10)}
    found, _ = deal(list(free), {**PARTS, **free}, ungrouped=True)
    assert [sum(part == own for part in found.values()) for own in ("test", 0, 1)] == [2, 4, 4]


def test_given_parts_are_kept_and_training_normals_go_where_training_lesions_went():
    names = {name: name for name in "abcdefgh"}
    plan = SplitPlan(
        {"a": "test", "b": 0, "c": 1, "d": 2}, {name: name for name in "abcd"}, "given", 0, 3, False,
        decided={"e": "test", "f": 0, "g": "train", "h": "train"}, training_folds=[1, 2],
    )  # fmt: skip
    wide, torn = with_normals(plan, "efgh", {**names, "h": "b"}, test_percent=20)
    assert (wide.parts["e"], wide.parts["f"]) == ("test", 0)
    # h is of the group of b, which the given split has for validation: it stays in training, as it was given.
    assert {wide.parts["g"], wide.parts["h"]} == {1, 2}
    assert not torn
