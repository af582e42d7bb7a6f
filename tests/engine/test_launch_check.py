"""A command that was started wrongly says so before it works."""

import pytest
from mmengine.config import Config

from ultraref.engine import launch_check
from ultraref.engine.launch_check import TEST_KEYS, TRAINING_KEYS, check_launch, end_with_launcher
from ultraref.errors import UserError

TORCHRUN = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in (*TORCHRUN, "TORCHELASTIC_RUN_ID", "SLURM_PROCID", "OMPI_COMM_WORLD_LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("launcher", "variable", "program"),
    [
        ("pytorch", "RANK", "torchrun"),
        ("slurm", "SLURM_PROCID", "srun"),
        ("mpi", "OMPI_COMM_WORLD_LOCAL_RANK", "mpirun"),
    ],
)
def test_a_launcher_without_its_program_is_one_line(launcher, variable, program):
    with pytest.raises(UserError, match=f"--launcher {launcher} .*lacks the variable {variable}.*with {program}"):
        check_launch(Config(), launcher, ())


def test_torchrun_without_launcher_is_refused(monkeypatch):
    for name, value in {**TORCHRUN, "TORCHELASTIC_RUN_ID": "none"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"torchrun started 2 processes.*Add --launcher pytorch"):
        check_launch(Config(), "none", ())
    check_launch(Config(), "pytorch", ())
    monkeypatch.setenv("WORLD_SIZE", "1")
    check_launch(Config(), "none", ())


@pytest.mark.parametrize(
    ("option", "value", "instead"),
    [("persistent_workers", True, "False"), ("prefetch_factor", 2, "None"), ("timeout", 60, "0")],
)
def test_persistent_workers_without_workers_are_one_line(option, value, instead):
    cfg = Config(dict(val_dataloader={option: value, "num_workers": 0}))
    with pytest.raises(UserError, match=rf"val_dataloader\.{option} is {value}, .*num_workers is 0.*to {instead}$"):
        check_launch(cfg, "none", ())
    cfg.val_dataloader.num_workers = 1
    check_launch(cfg, "none", ())


def test_an_empty_config_is_one_line(tmp_path):
    (tmp_path / "empty.py").touch()
    cfg = Config.fromfile(tmp_path / "empty.py")
    with pytest.raises(UserError, match=r"empty\.py has no model, train_dataloader, train_cfg, optim_wrapper"):
        check_launch(cfg, "none", TRAINING_KEYS)
    with pytest.raises(UserError, match=r"empty\.py has no model, test_dataloader, test_evaluator"):
        check_launch(cfg, "none", TEST_KEYS)


def test_an_average_of_weights_that_are_shared_out_is_one_line():
    cfg = Config(dict(model_wrapper_cfg=dict(type="ShardedDataParallel"), custom_hooks=[dict(type="EMAHook")]))
    with pytest.raises(UserError, match="ShardedDataParallel, but an EMAHook keeps a second copy"):
        check_launch(cfg, "none", ())
    cfg.custom_hooks = []
    check_launch(cfg, "none", ())


def test_only_what_torchrun_started_ends_with_its_parent(monkeypatch):
    watched = []
    monkeypatch.setattr(launch_check, "end_with_parent", watched.append)
    end_with_launcher("none")
    end_with_launcher("pytorch")
    assert not watched
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    end_with_launcher("none")
    end_with_launcher("pytorch")
    assert watched == [20.0]
