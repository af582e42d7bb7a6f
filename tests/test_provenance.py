"""Records of loaded checkpoints follow the parts of a model."""

import copy

from torch import nn

from ultraref import provenance


def test_collect_gathers_the_records_of_all_parts():
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Linear(1, 1)))
    assert provenance.collect(model) == {}
    provenance.record_loaded(model[0], "coarse.pth", ["a", "b"])
    provenance.record_loaded(model[1][0], "sam.pth", None)
    provenance.record_loaded(model, "all.pth", ["c"])
    provenance.record_loaded(model, "more.pth", ["d"])
    expected = {"coarse.pth": {"a", "b"}, "sam.pth": set(), "all.pth": {"c"}, "more.pth": {"d"}}
    assert provenance.collect(model) == expected


def test_the_same_file_loaded_into_two_parts_counts_once():
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    provenance.record_loaded(model[0], "both.pth", ["a"])
    provenance.record_loaded(model[1], "both.pth", ["a"])
    assert provenance.collect(model) == {"both.pth": {"a"}}


def test_a_copy_has_the_records_and_keeps_them_to_itself():
    part = nn.Linear(1, 1)
    provenance.record_loaded(part, "one.pth", ["a"])
    twin = copy.deepcopy(part)
    provenance.record_loaded(twin, "two.pth", ["b"])
    assert provenance.collect(twin) == {"one.pth": {"a"}, "two.pth": {"b"}}
    assert provenance.collect(part) == {"one.pth": {"a"}}


def test_a_checkpoint_hands_on_its_published_weights():
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    provenance.record_weights(model[0], "resnet34.a1_in1k", {"seen": {}})
    profiles = {"lite_medsam": {"seen": {"busi": {"state": "presumed"}}}}
    provenance.record_checkpoint(model[1], "phase2.pth", {"trained_on": ["a"], "profiles": profiles})
    assert provenance.collect(model) == {"phase2.pth": {"a"}}
    assert provenance.collect_weights(model) == {"resnet34.a1_in1k": {"seen": {}}, **profiles}
    # One that started from scratch says so, and one of before this was noted says nothing.
    scratch, old = nn.Linear(1, 1), nn.Linear(1, 1)
    provenance.record_checkpoint(scratch, "scratch.pth", {"trained_on": ["a"], "profiles": {}})
    provenance.record_checkpoint(old, "old.pth", {"trained_on": ["a"]})
    assert provenance.collect_weights(scratch) == {}
    assert "doesn't say" in provenance.collect_weights(old)["old.pth"]["note"]
