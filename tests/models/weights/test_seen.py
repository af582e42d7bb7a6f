"""What weights have seen, looked up and in words."""

import pytest

from ultraref.models.weights import describe_seen, timm_profile, weights_seen
from ultraref.models.weights.medsam import LITE_MEDSAM
from ultraref.models.weights.sam import SAM_VIT_B

RECORDS = {profile.name: profile.to_plain() for profile in (SAM_VIT_B, LITE_MEDSAM)}


def test_what_has_seen_a_set_comes_first():
    report = weights_seen(RECORDS, ["busi"])
    assert list(report["busi"]) == ["lite_medsam", "sam_vit_b"]
    assert [seen["state"] for seen in report["busi"].values()] == ["presumed", "unseen"]
    lines = describe_seen(report)
    assert lines[0].startswith("busi: presumed seen by lite_medsam (distilled from MedSAM")
    assert lines[1].startswith("busi: not seen by sam_vit_b (trained on SA-1B")


@pytest.mark.parametrize("name", ["BUS-UCLM", "bus_uclm", "Bus UCLM"])
def test_sets_go_by_letters_and_digits(name):
    assert weights_seen(RECORDS, [name])[name]["lite_medsam"]["state"] == "unseen"


def test_what_no_record_says_is_unknown():
    records = {**RECORDS, "own.pth": {"note": "not a published file", "seen": {}}}
    report = weights_seen(records, ["clinic"])
    assert {seen["state"] for seen in report["clinic"].values()} == {"unknown"}
    assert "clinic: unknown whether own.pth has seen it (not a published file)" in describe_seen(report)
    assert weights_seen(records, ["busi"])["busi"]["own.pth"]["state"] == "unknown"


def test_a_model_from_scratch_has_seen_nothing():
    report = weights_seen({}, ["busi"])
    assert report == {"busi": {}}
    assert describe_seen(report) == ["busi: not seen by published weights, of which the model has none"]


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("resnet34.a1_in1k", "unseen"),
        ("convnext_tiny.fb_in22k_ft_in1k", "unseen"),
        # Crawls of the web, whatever they were tuned on afterwards.
        ("resnet50.fb_swsl_ig1b_ft_in1k", "unknown"),
        ("vit_base_patch16_clip_224.laion2b_ft_in1k", "unknown"),
        ("vit_base_patch16_clip_224.openai_ft_in12k_in1k", "unknown"),
        ("vit_small_patch14_dinov2.lvd142m", "unknown"),
        ("resnext101_32x8d.fb_wsl_ig1b_ft_in1k", "unknown"),
        ("tf_efficientnet_b0.ns_jft_in1k", "unknown"),
    ],
)
def test_timm_networks_go_by_the_tag_of_their_data(name, state):
    profile = timm_profile(name)
    assert profile.name == name
    assert weights_seen({name: profile.to_plain()}, ["busi"])["busi"][name]["state"] == state


def test_a_timm_network_without_a_tag_has_its_default_one():
    assert timm_profile("resnet34").name.startswith("resnet34.")
