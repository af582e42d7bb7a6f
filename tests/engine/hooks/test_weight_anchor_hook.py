"""The pull towards the starting weights."""

import pytest
import torch
from engine_toys import toy_config
from mmengine.hooks import Hook

from ultraref.engine import WeightAnchorHook


class Spy(Hook):
    def __init__(self):
        self.start, self.gradients = None, []

    def before_train(self, runner):
        self.start = {name: p.detach().clone() for name, p in runner.model.named_parameters()}
        runner.optim_wrapper.optimizer.register_step_pre_hook(
            lambda *_: self.gradients.append({n: p.grad.clone() for n, p in runner.model.named_parameters()})
        )


def train(make_runner, work_dir, weight, iterations=3):
    optim_wrapper = {"optimizer": {"type": "SGD", "lr": 0.1}}
    hooks = [{"type": "WeightAnchorHook", "parts": ["coarse"], "weight": weight}]
    cfg = toy_config(work_dir, epochs=1, hooks=hooks, optim_wrapper=optim_wrapper, param_scheduler=None)
    runner, spy = make_runner(cfg), Spy()
    runner.register_hook(spy)
    runner.train()
    return runner, spy


def test_steps_follow_the_formula(tmp_path, make_runner):
    runner, spy = train(make_runner, tmp_path, weight=2.0)
    for name, parameter in runner.model.named_parameters():
        weight, anchor = spy.start[name].double(), spy.start[name].double()
        for gradients in spy.gradients:
            weight = weight - 0.1 * gradients[name].double()
            if name.startswith("coarse"):
                weight = weight - 0.1 * 2.0 * (weight - anchor)
        torch.testing.assert_close(parameter.detach().double(), weight, rtol=1e-5, atol=1e-6)


def test_full_weight_holds_the_part_in_place_and_distance_is_logged(tmp_path, make_runner):
    # lr * weight = 1: each step goes all the way back.
    runner, spy = train(make_runner, tmp_path / "held", weight=10.0)
    state = dict(runner.model.named_parameters())
    torch.testing.assert_close(state["coarse.0.weight"].detach(), spy.start["coarse.0.weight"], rtol=0, atol=1e-7)
    assert not torch.equal(state["refiner.0.weight"], spy.start["refiner.0.weight"])
    assert runner.message_hub.get_scalar("train/anchor_distance").current() == pytest.approx(0, abs=1e-6)

    runner, spy = train(make_runner, tmp_path / "free", weight=0.0)
    moved = [p.detach() - spy.start[n] for n, p in runner.model.named_parameters() if n.startswith("coarse")]
    distance = torch.cat([m.flatten() for m in moved]).double().norm()
    assert runner.message_hub.get_scalar("train/anchor_distance").current() == pytest.approx(float(distance), rel=1e-4)


def test_anchor_is_what_load_from_gave(tmp_path, make_runner):
    first, _ = train(make_runner, tmp_path / "first", weight=0.0)
    hooks = [{"type": "WeightAnchorHook", "parts": ["coarse"], "weight": 1.0}]
    cfg = toy_config(tmp_path / "second", epochs=1, hooks=hooks, load_from=str(tmp_path / "first" / "last.pth"))
    make_runner(cfg).train()
    anchor = torch.load(tmp_path / "second" / "last.pth", weights_only=True)["weight_anchor"]
    assert torch.equal(anchor["coarse.0.weight"], first.model.coarse[0].weight)
    assert "weight_anchor" not in torch.load(tmp_path / "second" / "best.pth", weights_only=True)


def test_mistakes(tmp_path, make_runner):
    with pytest.raises(ValueError, match="weight is -1"):
        WeightAnchorHook(parts=["coarse"], weight=-1)
    hooks = [{"type": "WeightAnchorHook", "parts": ["corse"], "weight": 1.0}]
    with pytest.raises(ValueError, match=r"WeightAnchorHook.parts: 'corse' matches no part .*near it: coarse"):
        make_runner(toy_config(tmp_path, hooks=hooks)).train()
