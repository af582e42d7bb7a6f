"""A run goes on from no damaged checkpoint: a small part of `make soak`."""

from pathlib import Path

import pytest
from engine_toys import toy_config

from ultraref.engine import UltraRunner
from ultraref.testing.soak.damaged_checkpoints import ODD_FIELDS, WAYS, damage_checkpoints
from ultraref.testing.soak.isolation import REFUSED

ACCUMULATED = {"optimizer": {"type": "AdamW", "lr": 0.01}, "accumulative_counts": 4}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run, which the tests go on with in other processes only."""
    hooks = [{"type": "EMAHook", "momentum": 0.1}]
    cfg = toy_config(tmp_path_factory.mktemp("run"), epochs=2, hooks=hooks, optim_wrapper=ACCUMULATED)
    cfg.experiment_name = "damaged_checkpoints"
    runner = UltraRunner.from_cfg(cfg)
    runner.train()
    return runner


def test_every_damage_and_every_odd_field_is_refused_or_the_one_before_taken(trained, tmp_path):
    number = len(WAYS) * len(ODD_FIELDS)
    before = Path(trained.work_dir, "last.pth").read_bytes()
    result = damage_checkpoints(trained, tmp_path / "damaged", number, seed=0)
    assert result.faults == []
    assert result.counts["field", REFUSED] == len(ODD_FIELDS)
    assert sum(result.counts.values()) == number
    # Half of the files have one before them.
    assert {kind for _, kind in result.counts} == {"refused", "recovered"}
    assert Path(trained.work_dir, "last.pth").read_bytes() == before


def test_a_checkpoint_that_is_taken_although_it_differs_would_be_found(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("ultraref.checkpoint.check_seal", lambda file, path: True)
    monkeypatch.setattr("ultraref.testing.soak.damaged_checkpoints.WAYS", ("bit",))
    result = damage_checkpoints(trained, tmp_path / "damaged", 30, seed=0)
    assert any("taken although damaged" in fault.text for fault in result.faults)
