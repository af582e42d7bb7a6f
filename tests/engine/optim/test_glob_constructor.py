"""Optimizer groups by the names of modules."""

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from ultraref.engine import GlobOptimWrapperConstructor, UltraAmpOptimWrapper


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.refiner = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        self.coarse = nn.Linear(2, 2)
        self.gate = nn.Linear(1, 1)


def build(model, groups=None, **wrapper):
    cfg = {"optimizer": {"type": "AdamW", "lr": 0.1, "weight_decay": 0.01}, **wrapper}
    paramwise_cfg = None if groups is None else {"groups": groups}
    return GlobOptimWrapperConstructor(cfg, paramwise_cfg)(model)


def test_first_match_wins_and_options_are_per_group():
    model = Model()
    wrapper = build(model, {"refiner.0": {"lr": 1e-6}, "refiner.*": {}, "coarse": {"weight_decay": 0.0}})
    groups = wrapper.optimizer.param_groups
    assert [g["name"] for g in groups] == ["refiner.0", "refiner.*", "coarse"]
    assert [g["lr"] for g in groups] == [1e-6, 0.1, 0.1]
    assert [g["weight_decay"] for g in groups] == [0.01, 0.01, 0.0]
    assert [id(p) for p in groups[0]["params"]] == [id(p) for p in model.refiner[0].parameters()]
    assert [id(p) for p in groups[1]["params"]] == [id(p) for p in model.refiner[1].parameters()]
    # The gate is in no group.
    assert sum(len(g["params"]) for g in groups) == 6
    assert type(wrapper) is OptimWrapper


def test_without_groups_all_that_require_a_gradient():
    model = Model()
    model.coarse.requires_grad_(False)
    (group,) = build(model).optimizer.param_groups
    assert {id(p) for p in group["params"]} == {id(p) for p in model.parameters() if p.requires_grad}


def test_frozen_parameters_are_left_out_of_groups():
    model = Model()
    model.refiner[0].requires_grad_(False)
    (group,) = build(model, {"refiner": {}}).optimizer.param_groups
    assert len(group["params"]) == 2


def test_the_wrapper_of_the_config_is_built():
    wrapper = build(Model(), {"*": {}}, type="UltraAmpOptimWrapper", accumulative_counts=4)
    assert type(wrapper) is UltraAmpOptimWrapper
    assert wrapper._accumulative_counts == 4


def test_group_names_survive_saving(tmp_path):
    model = Model()
    torch.save(build(model, {"refiner": {"lr": 1e-6}, "gate": {}}).state_dict(), tmp_path / "state.pth")
    again = build(model, {"refiner": {"lr": 1.0}, "gate": {}})
    again.load_state_dict(torch.load(tmp_path / "state.pth", weights_only=True))
    assert [(g["name"], g["lr"]) for g in again.optimizer.param_groups] == [("refiner", 1e-6), ("gate", 0.1)]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"refinr.*": {}}, r"groups: 'refinr.\*' matches no part of the model.*near it: refiner"),
        ({"*": {}, "coarse": {}}, r"all 2 parameters of 'coarse' are frozen, or taken by an earlier glob"),
    ],
)
def test_globs_that_choose_nothing(groups, message):
    with pytest.raises(ValueError, match=message):
        build(Model(), groups)


def test_unknown_paramwise_key():
    with pytest.raises(ValueError, match="paramwise_cfg has custom_keys; it may have groups"):
        GlobOptimWrapperConstructor({"optimizer": {"type": "SGD", "lr": 1}}, {"custom_keys": {}})
