"""A run that was killed and resumed is, bit for bit, the run that wasn't."""

import pytest
import torch
from engine_toys import toy_config
from mmengine.hooks import Hook

ADAMW = {"optimizer": {"type": "AdamW", "lr": 0.01, "weight_decay": 0.1}, "clip_grad": {"max_norm": 1.0}}
MOMENTUM = {"optimizer": {"type": "SGD", "lr": 0.01, "momentum": 0.9}}
# Six iterations are trained at the stop: one step, and half of the gradients of the next.
ACCUMULATED = {"optimizer": {"type": "AdamW", "lr": 0.01}, "accumulative_counts": 4}


class Killed(Exception):
    pass


class KillHook(Hook):
    """Ends the process, as far as the runner can tell, in the middle of the third epoch."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 7:
            raise Killed


def load(work_dir):
    return torch.load(work_dir / "last.pth", weights_only=True)


def differences(one, other, where=""):
    """Yields where two nested structures differ; what depends on the clock, or on the commit of the folder, is left out."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            if not str(key).endswith(("time", "eta", "experiment_name", "cfg", "mmengine_version")):
                yield from differences(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other)):
            yield from differences(a, b, f"{where}.{i}")
    elif isinstance(one, torch.Tensor):
        if not torch.equal(one, other):
            yield where
    elif one != other:
        yield where


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("optim_wrapper", [ADAMW, MOMENTUM, ACCUMULATED], ids=["adamw", "momentum", "accumulated"])
def test_resumed_run_is_bit_identical(tmp_path, make_runner, workers, optim_wrapper):
    unbroken = tmp_path / "unbroken"
    make_runner(toy_config(unbroken, epochs=4, workers=workers, optim_wrapper=optim_wrapper)).train()

    broken = tmp_path / "broken"
    runner = make_runner(toy_config(broken, epochs=4, workers=workers, optim_wrapper=optim_wrapper))
    runner.register_hook(KillHook())
    with pytest.raises(Killed):
        runner.train()
    assert load(broken)["meta"]["epoch"] == 2
    torch.rand(11)  # the new process's generators are elsewhere
    make_runner(toy_config(broken, epochs=4, workers=workers, optim_wrapper=optim_wrapper, resume=True)).train()

    one, other = load(unbroken), load(broken)
    assert len(one["message_hub"]["log_scalars"]["train/loss"]["values"]) == 12
    assert len(one["message_hub"]["log_scalars"]["val/score"]["values"]) == 4
    assert list(differences(one, other)) == []


def test_resumed_run_with_ema_and_weight_anchor_is_bit_identical(tmp_path, make_runner):
    hooks = [
        {"type": "EMAHook", "momentum": 0.1},
        {"type": "WeightAnchorHook", "parts": ["coarse"], "weight": 0.5},
    ]
    make_runner(toy_config(tmp_path / "unbroken", epochs=4, hooks=hooks)).train()
    make_runner(toy_config(tmp_path / "broken", epochs=2, hooks=hooks)).train()
    make_runner(toy_config(tmp_path / "broken", epochs=4, hooks=hooks, resume=True)).train()
    one, other = load(tmp_path / "unbroken"), load(tmp_path / "broken")
    assert "ema_state_dict" in one
    assert "weight_anchor" in one
    assert [d for d in differences(one, other) if not d.endswith(("max_epochs", "max_iters"))] == []


def test_dropout_differs_between_iterations(tmp_path, make_runner):
    """Reseeding must not repeat the same random numbers."""
    masks = []

    class Recorder(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            masks.append(torch.rand(4))

    runner = make_runner(toy_config(tmp_path, epochs=1))
    runner.register_hook(Recorder(), priority="LOWEST")
    runner.train()
    assert len(masks) == 3
    assert not torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[1], masks[2])
