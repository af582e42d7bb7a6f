"""A run that a signal stops, in an epoch or in a validation, and that is resumed, is bit for bit the unbroken one."""

import os
import signal

import pytest
from engine_toys import toy_config
from mmengine.hooks import Hook
from test_exact_resume import differences, load

from ultraref.errors import RunStopped

ADAMW = {"optimizer": {"type": "AdamW", "lr": 0.01}}
# Of 3 iterations an epoch: the 4th and 5th are in the middle of one and of the gradients of a step.
ACCUMULATED = {**ADAMW, "accumulative_counts": 3, "clip_grad": {"max_norm": 1.0}}
BFLOAT16 = {**ACCUMULATED, "type": "UltraAmpOptimWrapper"}
EMA = [{"type": "EMAHook", "momentum": 0.1}]
SCHEDULE = [{"type": "CosineAnnealingLR", "T_max": 3, "by_epoch": True, "end": 3}]


class Signals(Hook):
    """Sends its own process a signal, within an iteration or a batch of a validation, counted from 0 over the whole run."""

    def __init__(self, number, iteration=None, validation=None):
        self.number, self.iteration, self.validation = number, iteration, validation

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            os.kill(os.getpid(), self.number)

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        if (runner.epoch, batch_idx) == self.validation:
            os.kill(os.getpid(), self.number)


def stop(runner, *arguments, **options) -> RunStopped:
    runner.register_hook(Signals(*arguments, **options))
    with pytest.raises(RunStopped) as stopped:
        runner.train()
    return stopped.value


@pytest.mark.parametrize(
    ("workers", "optim_wrapper", "hooks", "when"),
    [
        (0, ADAMW, [], {"iteration": 4}),
        (2, ACCUMULATED, [], {"iteration": 4}),
        # The last of an epoch, before the epoch is counted and its schedules step.
        (0, ADAMW, [], {"iteration": 5}),
        (0, ACCUMULATED, EMA, {"validation": (2, 0)}),
        (0, BFLOAT16, EMA, {"iteration": 4}),
        (0, BFLOAT16, EMA, {"validation": (3, 1)}),
    ],
    ids=["epoch", "workers", "epoch-end", "validation", "bfloat16", "last-validation"],
)
def test_stopped_and_resumed_it_is_the_unbroken_run(tmp_path, make_runner, workers, optim_wrapper, hooks, when):
    def runner(name, **options):
        options |= {"optim_wrapper": optim_wrapper, "hooks": hooks, "param_scheduler": SCHEDULE}
        return make_runner(toy_config(tmp_path / name, epochs=3, workers=workers, **options))

    runner("unbroken").train()
    stopped = stop(runner("broken"), signal.SIGUSR1, **when)
    reached = load(tmp_path / "broken")["meta"]
    if "iteration" in when:
        assert (reached["epoch"], reached["iter"]) == (1, when["iteration"] + 1)
    else:
        assert (reached["epoch"], reached["iter"]) == (when["validation"][0], when["validation"][0] * 3)
    assert reached["validation_due"] == ("validation" in when)
    assert stopped.status == 128 + signal.SIGUSR1
    runner("broken", resume=True).train()
    one, other = load(tmp_path / "unbroken"), load(tmp_path / "broken")
    # Where the run was when a hook of MMEngine last wrote it down; nothing reads it.
    assert [d for d in differences(one, other) if not d.endswith(("runtime_info.iter", "runtime_info.epoch"))] == []
    assert "ema_state_dict" in one or not hooks


def test_a_grown_run_that_was_stopped_in_an_epoch_has_the_rates_of_the_new_length(tmp_path, make_runner):
    def config(epochs, **options):
        cosine = {"type": "CosineAnnealingLR", "T_max": epochs, "by_epoch": True, "end": epochs}
        return toy_config(tmp_path, epochs=epochs, optim_wrapper=ADAMW, param_scheduler=[cosine], **options)

    stop(make_runner(config(2)), signal.SIGTERM, iteration=4)
    runner = make_runner(config(4, resume=True))
    runner.train()
    rates = runner.message_hub.get_scalar("train/lr").data[0]
    # Half a cosine over 4 epochs: 0.01 (1 + cos(pi e / 4)) / 2; the first four iterations, and the fifth, had those of 2 epochs.
    assert rates[[5, 6, 9]] == pytest.approx([0.0085355, 0.005, 0.0014645], rel=1e-4)


def test_ctrl_c_saves_and_a_second_one_does_not_wait(tmp_path, make_runner):
    assert stop(make_runner(toy_config(tmp_path)), signal.SIGINT, iteration=1).status == 130
    assert load(tmp_path)["meta"]["iter"] == 2

    class Twice(Signals):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            super().before_train_iter(runner, batch_idx)
            super().before_train_iter(runner, batch_idx)

    runner = make_runner(toy_config(tmp_path, resume=True))
    runner.register_hook(Twice(signal.SIGINT, iteration=4))
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
