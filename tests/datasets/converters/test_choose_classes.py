import re

import pytest

from ultraref.datasets.converters.choose_classes import choose_classes
from ultraref.errors import UserError

THYROID = {"gland": 12, "carotid": 0, "nodule": 279}


def test_one_class_needs_no_choice():
    assert choose_classes({"lesion": 3}, None, "a.json") == ["lesion"]
    assert choose_classes({"lesion": 3, "never used": 0}, None, "a.json") == ["lesion"]
    assert choose_classes({}, None, "a.json") == []


def test_several_classes_are_refused_with_their_counts():
    with pytest.raises(UserError) as caught:
        choose_classes(THYROID, None, "thyroid.json")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("thyroid.json: holds 2 classes: nodule (279), gland (12), carotid (0); ")
    assert "--classes" in message


def test_chosen_classes_come_in_the_order_of_the_source():
    assert choose_classes(THYROID, ["nodule", "gland", "nodule"], "x") == ["gland", "nodule"]
    assert choose_classes(THYROID, ["carotid"], "x") == ["carotid"]
    assert choose_classes({"1": 4, "255": 2}, [255], "x") == ["255"]


def test_an_unknown_class_gets_the_nearest_name():
    with pytest.raises(UserError, match=re.escape("no class 'Nodul' (classes=[...]), did you mean 'nodule'?")):
        choose_classes(THYROID, ["Nodul"], "x", flag="classes=[...]")
    with pytest.raises(UserError, match=r"no class 'zzz' .*it holds nodule"):
        choose_classes(THYROID, ["zzz"], "x")


def test_an_empty_choice_and_a_bare_string_are_refused():
    with pytest.raises(UserError, match="names no class"):
        choose_classes(THYROID, [], "x")
    with pytest.raises(UserError, match="list of names"):
        choose_classes(THYROID, "nodule", "x", flag="classes=[...]")


def test_a_long_list_is_cut():
    with pytest.raises(UserError, match="and 80 more") as caught:
        choose_classes({f"#{value:06x}": 1 for value in range(100)}, None, "photo.png")
    assert len(str(caught.value)) < 500
