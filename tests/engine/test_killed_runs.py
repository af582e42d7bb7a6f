"""A run that is killed at random and resumed is the unbroken one: a small part of `make soak`."""

from functools import partial

import numpy as np
import pytest
from engine_toys import toy_config

from ultraref.testing.soak.killed_runs import kill_run

HOOKS = [{"type": "EMAHook", "momentum": 0.1}]
ACCUMULATED = {"optimizer": {"type": "AdamW", "lr": 0.01}, "accumulative_counts": 2}


def make(work_dir, workers=0, seed=3):
    options = {"randomness": {"seed": seed if work_dir.name == "unbroken" else 3}, "runner_type": "UltraRunner"}
    return toy_config(work_dir, epochs=4, workers=workers, hooks=HOOKS, optim_wrapper=ACCUMULATED, **options)


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_killed_runs_are_the_unbroken_one(tmp_path, workers):
    result = kill_run("toy", partial(make, workers=workers), tmp_path, 2, np.random.default_rng(workers), "fork")
    assert (result.kills, result.differences, result.faults) == (2, [], [])


def test_another_run_would_be_found(tmp_path):
    result = kill_run("toy", partial(make, seed=4), tmp_path, 0, np.random.default_rng(0), "fork")
    assert any("last.pth.state_dict" in difference for difference in result.differences)
    assert any("best.pth.state_dict" in difference for difference in result.differences)


def test_a_run_that_fails_is_reported(tmp_path):
    def fail(work_dir):
        raise ValueError("no config")

    result = kill_run("toy", fail, tmp_path, 1, np.random.default_rng(0), "fork")
    assert result.faults == ["unbroken: ValueError: no config"]
