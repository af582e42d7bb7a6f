"""A preflight trains as the training does, says what it found, and leaves nothing behind."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict

from ultraref.apis.preflight import preflight
from ultraref.cli.main import main
from ultraref.engine import run_description
from ultraref.testing.soak.tiny_runs import tiny_run

NAMES = ["config", "inputs", "work dir", "data", "data", "weights", "disk", "batch", "iteration"]


@pytest.fixture(autouse=True)
def plain_config_text(monkeypatch):
    """MMEngine's formatting takes longer than the rest."""
    monkeypatch.setattr(Config, "pretty_text", property(lambda cfg: repr(cfg.to_dict())))


@pytest.fixture
def cfg(phantom_root, tmp_path):
    return tiny_run("phase1", phantom_root, tmp_path, tmp_path / "runs/a", workers=0, epochs=2)


def numbers():
    return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002  the generators that runs seed


def test_all_is_looked_at_and_nothing_is_left(cfg, tmp_path):
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(5)
    expected = numbers()
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(5)
    content = cfg.to_dict()
    result = preflight(cfg)
    assert numbers() == expected
    assert cfg.to_dict() == content
    assert not (tmp_path / "runs").exists()
    assert result.ok
    assert [line.name for line in result.lines] == NAMES
    # 22 training images of 5 folds, 17 or 18 of them outside fold 0, three batches of 5.
    assert (result.iterations, result.epochs) == (3, 2)
    assert result.seconds_per_iteration > 0
    assert result.peak_memory > 1 << 20
    text = "\n".join(line.text for line in result.lines)
    for expected in ("set phantoms, fold 0", "train: phantoms", "random numbers", "5 samples", "an epoch of 3"):
        assert expected in text


def test_a_run_in_the_work_dir_is_named_and_stays(cfg):
    Path(cfg.work_dir).mkdir(parents=True)
    for name in ("last.pth", "previous.pth", "best.pth"):
        Path(cfg.work_dir, name).write_text(name)
    before = {path.name: path.read_bytes() for path in Path(cfg.work_dir).glob("*.pth")}
    result = preflight(cfg)
    assert result.ok
    assert "holds last.pth, previous.pth, best.pth" in next(li.text for li in result.lines if li.name == "work dir")
    assert {path.name: path.read_bytes() for path in Path(cfg.work_dir).glob("*.pth")} == before


def fail(cfg):
    """Returns the last line, which isn't ok as the only one."""
    result = preflight(cfg)
    assert [line.ok for line in result.lines[:-1]] == [True] * (len(result.lines) - 1)
    assert not result.ok
    return result.lines[-1]


def test_missing_inputs_are_listed(cfg):
    cfg.train_dataloader.dataset.data_root = "nowhere"
    line = fail(cfg)
    assert line.name == "inputs"
    assert "nowhere/splits.json" in line.text


def test_a_work_dir_that_is_a_file(cfg, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/a").touch()
    line = fail(cfg)
    assert line.name == "work dir"
    assert "is a file; it takes a folder" in line.text


def test_a_damaged_weight_file(cfg, tmp_path):
    (tmp_path / "best.pth").write_bytes(b"weights")
    cfg.load_from = str(tmp_path / "best.pth")
    line = fail(cfg)
    assert line.name == "weights"
    assert "best.pth" in line.text


def test_an_image_that_changed(cfg, phantom_root, tmp_path):
    shutil.copytree(phantom_root, tmp_path / "data")
    for path in (tmp_path / "data/train/masks").glob("*.png"):
        shutil.copy(next((tmp_path / "data/test/masks").glob("*.png")), path)
    cfg.train_dataloader.dataset.data_root = str(tmp_path / "data")
    line = fail(cfg)
    assert line.name == "batch"
    assert ".png: is not the file that" in line.text


def test_a_loss_that_is_not_finite(cfg):
    cfg.model.loss = ConfigDict(type="CEDiceLoss", ce_weight=float("nan"))
    line = fail(cfg)
    assert line.name == "iteration"
    # Gradients of two iterations are one step.
    assert "the loss isn't finite at iteration 2" in line.text
    assert "not_finite_iter" not in line.text


def test_too_little_room_for_checkpoints(cfg, monkeypatch):
    monkeypatch.setattr(run_description.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    result = preflight(cfg)
    line = next(line for line in result.lines if line.name == "disk")
    assert not line.ok
    assert "1.0 kB are free" in line.text
    assert "another --work-dir" in line.text
    assert not result.ok


def test_the_command_prints_a_table_and_its_status_says_whether_all_is_well(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ULTRAREF_DATA", raising=False)
    assert main(["preflight", "phase1/unet.py", "--json", "found.json"]) == 2
    printed = capsys.readouterr().out
    assert "FAILED" in printed
    found = json.loads((tmp_path / "found.json").read_text())
    assert not found["ok"]
    assert [line["name"] for line in found["lines"]] == ["config", "inputs"]
    assert "ultraref convert busi" in " ".join(printed.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.json"]
