"""Stages: what trains, what stays as it is, and what is in eval mode."""

import pytest
import torch
from engine_toys import toy_config
from mmengine.hooks import Hook

from ultraref.engine import ProgressiveUnfreezeHook

STAGES = {
    "refiner": {"train": ["refiner"]},
    "joint": {"epoch": 1, "train": ["refiner", "coarse.[01]"], "eval": ["coarse.*:BatchNorm*"]},
}


class Spy(Hook):
    """Notes, for each iteration, modes, gradients that the backward pass left and the state before the step."""

    priority = "LOWEST"

    def __init__(self):
        self.modes, self.requires_grad, self.states = [], [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.modes.append({name: module.training for name, module in runner.model.named_modules()})
        self.requires_grad.append({name for name, p in runner.model.named_parameters() if p.requires_grad})
        self.states.append({name: value.clone() for name, value in runner.model.state_dict().items()})

    def after_train(self, runner):
        self.states.append({name: value.clone() for name, value in runner.model.state_dict().items()})

    def changed(self, first, last):
        """Names of the entries that differ between two moments."""
        before, after = self.states[first], self.states[last]
        return {name for name in before if not torch.equal(before[name], after[name])}


def config(work_dir, stages=STAGES, epochs=2, **overrides):
    # Weight decay would shrink a frozen parameter that is in the optimizer and has a gradient of zero.
    optim_wrapper = {"optimizer": {"type": "AdamW", "lr": 0.01, "weight_decay": 0.5}}
    hooks = [{"type": "ProgressiveUnfreezeHook", "stages": stages}]
    return toy_config(work_dir, epochs=epochs, hooks=hooks, optim_wrapper=optim_wrapper, **overrides)


def run(make_runner, cfg):
    runner, spy = make_runner(cfg), Spy()
    runner.register_hook(spy)
    runner.train()
    return runner, spy


REFINER = {f"refiner.{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")}
COARSE = {f"coarse.{layer}.{kind}" for layer in (0, 1) for kind in ("weight", "bias")}


def test_frozen_parts_do_not_change_and_are_in_eval_mode(tmp_path, make_runner):
    _, spy = run(make_runner, config(tmp_path))
    assert spy.requires_grad[0] == REFINER
    # Three iterations an epoch: not a weight, and not a running statistic, of the frozen part changes.
    assert spy.changed(0, 3) == REFINER
    frozen = {"coarse", "coarse.0", "coarse.1", "coarse.2"}
    assert all({name for name, training in modes.items() if not training} == frozen for modes in spy.modes[:3])


def test_unfrozen_parts_train_and_their_batch_norm_stays_in_eval(tmp_path, make_runner):
    _, spy = run(make_runner, config(tmp_path))
    assert spy.requires_grad[3] == REFINER | COARSE
    assert spy.changed(3, 6) == REFINER | COARSE
    assert all({name for name, training in modes.items() if not training} == {"coarse.1"} for modes in spy.modes[3:])


def test_later_parameters_are_in_the_optimizer_from_the_start(tmp_path, make_runner):
    runner, _ = run(make_runner, config(tmp_path, epochs=1))
    assert len(runner.optim_wrapper.param_groups[0]["params"]) == len(REFINER | COARSE)
    # Adam keeps a state for what it stepped, the refiner alone.
    assert len(runner.optim_wrapper.optimizer.state) == len(REFINER)


def test_a_run_resumed_inside_a_stage_continues_it(tmp_path, make_runner):
    _, unbroken = run(make_runner, config(tmp_path / "unbroken", epochs=3))
    run(make_runner, config(tmp_path / "broken", epochs=2))
    _, resumed = run(make_runner, config(tmp_path / "broken", epochs=3, resume=True))
    assert resumed.requires_grad[0] == REFINER | COARSE
    assert resumed.modes[0] == unbroken.modes[6]
    assert all(torch.equal(value, resumed.states[-1][name]) for name, value in unbroken.states[-1].items())


def test_what_the_model_keeps_frozen_stays_frozen(tmp_path, make_runner):
    runner, spy = make_runner(config(tmp_path)), Spy()
    runner.model.refiner[0].requires_grad_(False)
    runner.register_hook(spy)
    runner.train()
    assert spy.requires_grad[-1] == {"refiner.2.weight", "refiner.2.bias"} | COARSE
    assert not spy.modes[-1]["refiner.0"]


def test_modules_without_parameters_outside_a_frozen_part_keep_training(tmp_path, make_runner):
    _, spy = run(make_runner, config(tmp_path, epochs=1))
    assert spy.modes[0]["data_preprocessor"]
    assert spy.modes[0][""]


def test_lr_factor_scales_the_steps_of_whole_groups_and_nothing_else(tmp_path, make_runner):
    def train(work_dir, factor, lr):
        stages = {"all": {"train": ["*"], "lr_factor": {"coarse": factor}}}
        optim_wrapper = {
            "optimizer": {"type": "SGD", "lr": 0.01},
            "constructor": "GlobOptimWrapperConstructor",
            "paramwise_cfg": {"groups": {"coarse": {"lr": lr}, "refiner": {}}},
        }
        hooks = [{"type": "ProgressiveUnfreezeHook", "stages": stages}]
        return run(make_runner, toy_config(work_dir, epochs=2, hooks=hooks, optim_wrapper=optim_wrapper))

    scaled, spy = train(tmp_path / "scaled", 0.5, 0.02)
    _, plain = train(tmp_path / "plain", 1.0, 0.01)
    assert all(torch.equal(value, plain.states[-1][name]) for name, value in spy.states[-1].items())
    # Schedulers and checkpoints go on from the unscaled rate: cosine from 0.02 over 10 epochs, 2 done.
    expected = 0.02 * (1 + torch.cos(torch.tensor(torch.pi * 2 / 10, dtype=torch.float64))) / 2
    assert scaled.optim_wrapper.param_groups[0]["lr"] == pytest.approx(float(expected))


def test_log_lines_count_what_trains(tmp_path, make_runner, capsys):
    run(make_runner, config(tmp_path, log_level="INFO"))
    printed = "".join(capsys.readouterr())
    # Linear 4 to 8 and its batch norm: 32 + 8 + 8 + 8; Linear 8 to 8 and 8 to 1: 64 + 8 + 8 + 1.
    assert "Stage 'refiner' from epoch 0: trains 81 of 137 parameters (refiner 81)" in printed
    assert "Stage 'joint' from epoch 1: trains 137 of 137 parameters (coarse 56, refiner 81)" in printed


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"train": ["refinr"]}, r"stages.late.train: 'refinr' matches no part .* near it: refiner"),
        (
            {"train": ["refiner"], "eval": ["coarse.*:LayerNorm"]},
            r"late.*eval: 'coarse.\*:LayerNorm' matches no module",
        ),
        ({"train": ["refiner"], "lr_factor": {"gate": 0.1}}, r"late.*lr_factor: 'gate' matches no part"),
        ({"train": ["refiner"], "lr_factor": {"refiner.0": 0.1}}, r"optimizer group 0 the factors \[0.1, 1.0\]"),
    ],
)
def test_mistakes_in_a_later_stage_are_found_before_training(tmp_path, make_runner, stage, message):
    stages = {"first": {"train": ["refiner"]}, "late": {"epoch": 5, **stage}}
    with pytest.raises(ValueError, match=message):
        make_runner(config(tmp_path, stages)).train()


def test_parameters_that_no_group_has_are_named(tmp_path, make_runner):
    cfg = config(tmp_path)
    cfg.optim_wrapper.constructor = "GlobOptimWrapperConstructor"
    cfg.optim_wrapper.paramwise_cfg = {"groups": {"refiner": {}}}
    with pytest.raises(
        ValueError, match=r"stages.joint trains 4 parameters that the optimizer doesn't have, e.g. coarse.0"
    ):
        make_runner(cfg).train()


def test_stages_must_start_at_zero_and_rise():
    with pytest.raises(ValueError, match=r"stages start at epochs: a at 1; one must start at 0"):
        ProgressiveUnfreezeHook({"a": {"epoch": 1, "train": ["x"]}})
    with pytest.raises(ValueError, match=r"stages start at epochs: a at 0, b at 0; .* no two together"):
        ProgressiveUnfreezeHook({"a": {"train": ["x"]}, "b": {"train": ["x"]}})
    with pytest.raises(ValueError, match="stages is empty"):
        ProgressiveUnfreezeHook({"a": None})


def test_a_stage_is_left_out_or_added_by_its_name():
    stages = {"late": {"epoch": 7, "train": ["x"]}, "first": {"train": ["x"]}, "joint": None}
    assert [(stage.name, stage.epoch) for stage in ProgressiveUnfreezeHook(stages).stages] == [
        ("first", 0),
        ("late", 7),
    ]


def test_a_part_without_parameters_may_be_named(tmp_path, make_runner):
    """The toy's data preprocessor has none, as most gates."""
    stages = {"refiner": {"train": ["refiner", "data_preprocessor"]}}
    _, spy = run(make_runner, config(tmp_path, stages, epochs=1))
    assert spy.requires_grad[0] == REFINER


@pytest.mark.parametrize(
    ("stage", "message"), [({"epoch": 3}, "late trains nothing"), ({"train": [], "lr": 1}, "late has lr")]
)
def test_a_malformed_stage_is_named(stage, message):
    with pytest.raises(ValueError, match=f"stages.{message}; a stage has train"):
        ProgressiveUnfreezeHook({"late": stage})
