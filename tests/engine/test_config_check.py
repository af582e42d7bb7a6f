"""Mistakes in a config each give one clear error, with the path, near names and what is allowed."""

import sys

import pytest
from engine_toys import toy_config
from torch import nn

from ultraref.engine.component_lookup import accepted_arguments, find_components, suggested_registry
from ultraref.engine.config_check import ConfigError, check_cfg_options, check_config
from ultraref.registry import GATES, LOSSES


def config(**overrides):
    return toy_config("work", **overrides)


def problem(cfg):
    with pytest.raises(ConfigError) as error:
        check_config(cfg)
    return str(error.value)


def test_a_right_config_passes():
    check_config(
        config(
            hooks=[{"type": "EMAHook", "momentum": 0.1, "priority": "HIGH"}],
            optim_wrapper={
                "type": "UltraAmpOptimWrapper",
                "dtype": "bfloat16",
                "accumulative_counts": 2,
                "clip_grad": {"type": "value", "clip_value": 1.0},
                "optimizer": {"type": "SGD", "lr": 0.1, "nesterov": True},
                "constructor": "GlobOptimWrapperConstructor",
                "paramwise_cfg": {"groups": {"coarse.*": {"lr": 0.1}}},
            },
            param_scheduler=[{"type": "PolyLR", "power": 0.9, "eta_min": 0, "convert_to_iter_based": True, "end": 3}],
            visualizer={"type": "Visualizer", "vis_backends": [{"type": "TensorboardVisBackend"}]},
            randomness={"seed": 1},
            env_cfg={"mp_cfg": {"mp_start_method": "fork", "opencv_num_threads": 0}},
            data_root="data/busi",
            made_by={"data/busi": "python convert.py"},
        )
    )


def test_unknown_component_gives_path_near_names_list_and_hint():
    cfg = config()
    cfg.model.gate = {"type": "UncertantyGate", "gamma": 1.0}
    # The toy model takes no gate; the name is what this test is about.
    message = problem(cfg)
    assert "model.gate.type: 'UncertantyGate' is not registered" in message
    assert "did you mean UncertaintyGate" in message
    assert all(name in message for name in GATES.module_dict)
    assert "custom_imports" in message


def test_all_problems_are_listed_at_once():
    cfg = config()
    cfg.model.widht = 8
    cfg.custom_hooks[0].type = "ReseedHok"
    cfg.val_dataloader.dataset.siz = 3
    message = problem(cfg)
    assert "model.widht: ToyModel has no argument 'widht'; did you mean width?" in message
    assert "custom_hooks.0.type: 'ReseedHok' is not registered; did you mean ReseedHook" in message
    assert "val_dataloader.dataset.siz: ToyDataset has no argument 'siz'; did you mean size?" in message
    assert message.count("\n- ") == 3


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("train_dataloader.batchsize", 2, "train_dataloader has no argument 'batchsize'; did you mean batch_size"),
        ("train_cfg.max_epoch", 2, "train_cfg has no argument 'max_epoch'; did you mean max_epochs"),
        ("optim_wrapper.clip_grads", {}, "optim_wrapper has no argument 'clip_grads'; did you mean clip_grad"),
        (
            "optim_wrapper.optimizer.weight_deacy",
            0.1,
            "AdamW has no argument 'weight_deacy'; did you mean weight_decay",
        ),
        (
            "optim_wrapper.constructor",
            "GlobConstructor",
            "optim_wrapper.constructor: 'GlobConstructor' is not registered",
        ),
        (
            "optim_wrapper.optimizer.type",
            "AdamX",
            "optim_wrapper.optimizer.type: 'AdamX' is not registered; did you mean",
        ),
        ("param_scheduler.0.type", "CosineLR", "param_scheduler.0.type: 'CosineLR' is not registered"),
        (
            "default_hooks.chekpoint",
            {"interval": 2},
            "default_hooks.chekpoint: a hook needs a type; did you mean checkpoint",
        ),
        ("randomness.sed", 2, "randomness has no argument 'sed'; did you mean seed"),
        ("load_form", "a.pth", "load_form: not a key that the runner reads; did you mean load_from"),
        ("hooks", [{"type": "NoHook"}], "hooks.0.type: 'NoHook' is not registered"),
        ("gating", {"type": "ConstantGate"}, "gating: not a key that the runner reads, and no ConstantGate is used"),
        (
            "custom_imports.imports",
            ["no_such_module_anywhere"],
            "custom_imports: No module named 'no_such_module_anywhere'",
        ),
        ("custom_imports.import", ["os"], "custom_imports: "),
    ],
)
def test_one_mistake(path, value, expected):
    cfg = config()
    cfg.merge_from_dict({path: value})
    assert expected in problem(cfg)


def test_an_unknown_runner_is_named():
    cfg = config()
    cfg.runner_type = "UltraRuner"
    assert "- runner_type: 'UltraRuner' is not registered; did you mean UltraRunner" in problem(cfg)


def test_a_helper_variable_that_is_used_is_fine():
    cfg = config(network={"type": "ToyModel", "width": 4})
    check_config(cfg)


def test_plugins_are_imported_first(tmp_path, monkeypatch):
    (tmp_path / "engine_test_plugin.py").write_text(
        "from torch import nn\n"
        "from ultraref.registry import LOSSES\n"
        "@LOSSES.register_module()\n"
        "class EngineTestLoss(nn.Module):\n"
        "    def __init__(self, weight): super().__init__()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    cfg = config(custom_imports={"imports": ["engine_test_plugin"]})
    cfg.model._delete_ = True
    cfg.model.loss = {"type": "EngineTestLoss", "weigth": 1}
    message = problem(cfg)
    assert "model.loss.weigth: EngineTestLoss has no argument 'weigth'; did you mean weight?" in message
    LOSSES.module_dict.pop("EngineTestLoss")
    sys.modules.pop("engine_test_plugin")


class Base(nn.Module):
    def __init__(self, size, depth=2):
        super().__init__()


class HandsOn(Base):
    def __init__(self, extra=1, **kwargs):
        super().__init__(**kwargs)


class Swallows(Base):
    def __init__(self, extra=1, **kwargs):
        super().__init__(size=1)
        self.options = kwargs


class Inherits(HandsOn):
    pass


@pytest.mark.parametrize(
    ("component", "names", "is_open"),
    [
        (Base, ["size", "depth"], False),
        (HandsOn, ["extra", "size", "depth"], False),
        (Inherits, ["extra", "size", "depth"], False),
        (Swallows, ["extra"], True),
        (lambda a, *, b=1: None, ["a", "b"], False),
        (object, [], False),
    ],
)
def test_accepted_arguments_follow_kwargs_to_the_base_class(component, names, is_open):
    assert accepted_arguments(component) == (names, is_open)


def test_names_with_a_scope_and_import_paths_are_found():
    assert [c.__name__ for c in find_components("mmengine.EMAHook", ["custom_hooks", "0"])] == ["EMAHook"]
    assert [c.__name__ for c in find_components("torch.nn.GELU", ["model"])] == ["GELU"]
    assert find_components("torch.nn.NoSuchThing", ["model"]) == []
    assert find_components("nowhere.at.all", ["model"]) == []


@pytest.mark.parametrize(
    ("path", "registry"),
    [
        ("model.gate", "GATES"),
        ("model.gate.uncertainty", "GATES"),
        ("default_hooks.checkpoint", "HOOKS"),
        ("train_dataloader.dataset.pipeline.0", "TRANSFORMS"),
        ("model.losses.change", "LOSSES"),
        ("val_evaluator", "METRICS"),
        ("something.else", None),
    ],
)
def test_keys_suggest_registries(path, registry):
    assert suggested_registry(path.split(".")) == registry


@pytest.mark.parametrize(
    "key",
    [
        "model.width",
        "model.dropout",  # not in the config, but an argument of ToyModel
        "train_dataloader.dataset.size",
        "train_dataloader.pin_memory",
        "param_scheduler.0.T_max",
        "custom_hooks.1.allow_seen",
        "train_cfg.val_begin",
        "load_from",
        "randomness.deterministic",
        "optim_wrapper.accumulative_counts",
        "default_hooks.checkpoint.priority",
    ],
)
def test_options_that_may_be_set(key):
    check_cfg_options(config(), {key: 1})


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("modl.width", "modl.width: the config has no 'modl'; did you mean model?"),
        ("model.gate.gamma", "model.gate.gamma: model has no 'gate'"),
        ("model.widht", "model.widht: ToyModel has no argument 'widht'; did you mean width?"),
        (
            "param_scheduler.1.T_max",
            "param_scheduler.1.T_max: param_scheduler has 1 items, numbered from 0, and no item '1'",
        ),
        ("train_dataloader.batch_sise", "did you mean batch_size"),
        ("work_dir.name", "work_dir.name: work_dir is 'work', which has no 'name' in it"),
        ("resum", "resum: the config has no 'resum'; did you mean resume"),
    ],
)
def test_mistyped_options(key, expected):
    with pytest.raises(ConfigError) as error:
        check_cfg_options(config(), {"randomness.seed": 1, key: 1})
    assert expected in str(error.value)


def test_no_options_are_fine():
    check_cfg_options(config(), {})


def test_items_of_a_concatenated_set_need_no_type():
    cfg = config()
    cfg.train_dataloader.dataset = {
        "type": "ConcatLesionDataset",
        "datasets": [{"data_root": "a"}, {"type": "CocoLesionDataset", "ann_file": "b"}],
        **{"split": "train", "fold": 0, "pipeline": [{"type": "LoadImage"}], "predictions": "p", "exclude": "e"},
        **{"seed": 1, "sizes": {"coarse": 224}},
    }
    check_config(cfg)
    check_cfg_options(
        cfg, {"train_dataloader.dataset.datasets.0.exclude": "e", "train_dataloader.dataset.balance": True}
    )
    with pytest.raises(ConfigError, match=r"LesionDataset has no argument 'exlude'; did you mean exclude"):
        check_cfg_options(cfg, {"train_dataloader.dataset.datasets.0.exlude": "e"})
    cfg.train_dataloader.dataset.datasets[0].data_rot = "a"
    cfg.train_dataloader.dataset.folds = 1
    message = problem(cfg)
    assert "train_dataloader.dataset.datasets.0.data_rot: LesionDataset has no argument 'data_rot'" in message
    assert "train_dataloader.dataset.folds: ConcatLesionDataset has no argument 'folds'; did you mean fold?" in message


def test_errors_of_an_augmentor_may_carry_weights():
    weights = [{"type": "Identity", "weight": 0.5}, {"type": "Shift", "weight": 0.5}]
    augmentor = {"type": "MaskErrorAugmentor", "weights": weights}
    cfg = config()
    cfg.train_dataloader.dataset.pipeline = [{"type": "SimulateCoarse", "augmentor": augmentor}]
    cfg.train_dataloader.dataset.type = "LesionDataset"
    cfg.train_dataloader.dataset.data_root = "data"
    for key in set(cfg.train_dataloader.dataset) - {"type", "data_root", "pipeline"}:
        cfg.train_dataloader.dataset.pop(key)
    check_config(cfg)
    weights[0]["wieght"] = 1
    cfg.train_dataloader.dataset.pipeline[0].augmentor.weights = weights
    assert "wieght" in problem(cfg)


def test_a_list_does_not_take_the_place_of_a_text():
    cfg = config()
    cfg.load_from = "a.pth"
    with pytest.raises(
        ConfigError, match=r"load_from: is the text 'a\.pth', but \['a', 'b'\] is a list.*\"load_from='...'\""
    ):
        check_cfg_options(cfg, {"load_from": ["a", "b"]})
    check_cfg_options(cfg, {"load_from": "a,b"})
    check_cfg_options(cfg, {"load_from": None})
