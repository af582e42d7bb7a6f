"""Several checkpoints in one test: the rows are those of each alone, and the ensemble's beside them."""

import csv
import json
from pathlib import Path

import pytest
import torch

from ultraref import apis
from ultraref.apis import load_config
from ultraref.apis.compare import compare
from ultraref.apis.ensemble import member_names
from ultraref.checkpoint import save_atomically
from ultraref.cli.main import main
from ultraref.datasets import Splits
from ultraref.errors import UserError


def load(cascade, path, work_dir, fold=0):
    cfg = load_config(path, None, work_dir, set=cascade.set, fold=fold)
    cfg.experiment_name = str(work_dir)
    return cfg


def best(cascade, path, fold=0) -> str:
    return str(Path(load_config(path, set=cascade.set, fold=fold).work_dir) / "best.pth")


def test_rows_of_an_ensemble_are_those_of_each_fold_alone(cascade, tmp_path, capfd):
    paths = [best(cascade, cascade.phase1, fold) for fold in (0, 1)]
    alone = {}
    for name, path in zip(member_names(paths), paths):
        alone[name] = apis.test(load(cascade, cascade.phase1, tmp_path / name), path)
    plain = json.loads((tmp_path / "phantoms_phase1_fold0/metrics.json").read_text())
    assert not {"members", "test_time_augmentation", "checkpoint"} & set(plain)
    capfd.readouterr()
    metrics = apis.test(load(cascade, cascade.phase1, tmp_path / "both"), paths)
    printed = capfd.readouterr()
    for text in ("phantoms_phase1_fold0", "phantoms_phase1_fold1", "mean of 2 (SD)", "ensemble"):
        assert text in printed.out + printed.err
    rows = {row["model"]: row for row in csv.DictReader((tmp_path / "both/ensemble.csv").open())}
    assert list(rows) == ["phantoms_phase1_fold0", "phantoms_phase1_fold1", "ensemble"]
    for name, row in {**alone, "ensemble": metrics}.items():
        assert float(rows[name]["test_coarse/dice"]) == pytest.approx(row["test_coarse/dice"], abs=1e-6)
        if name != "ensemble":
            own = tmp_path / "both/members" / name
            assert (own / "metrics.csv").read_text() == (tmp_path / name / "metrics.csv").read_text()
    described = json.loads((tmp_path / "both/metrics.json").read_text())
    assert described["members"] == dict(zip(alone, paths))
    assert described["measured"] == plain["measured"]
    # What a member leaves can be compared like any test.
    compare([str(tmp_path / "both"), str(tmp_path / "both/members/phantoms_phase1_fold1")], metrics=("coarse_dice",))


def test_flips_go_into_a_test_and_into_its_description(cascade, tmp_path):
    gated = cascade.phase3[1]
    metrics = {}
    for tta in (False, True):
        cfg = load(cascade, gated, tmp_path / str(tta))
        metrics[tta] = apis.test(cfg, best(cascade, gated), tta=tta)
    # How far mirror images agree can be told only where there are some.
    assert metrics[True].keys() - metrics[False].keys() == {"test_quality/consistency_spearman"}
    assert metrics[False].keys() < metrics[True].keys()
    assert any(metrics[True][name] != value for name, value in metrics[False].items())
    described = json.loads((tmp_path / "True/metrics.json").read_text())
    assert described["test_time_augmentation"] == {"type": "FlipTTAModel"}
    assert not (tmp_path / "True/ensemble.csv").exists()


def test_a_member_that_saw_a_test_image_is_refused(cascade, tmp_path, monkeypatch, capfd):
    cfg = load(cascade, cascade.phase1, tmp_path / "work")
    checkpoint = torch.load(best(cascade, cascade.phase1, 1), weights_only=True)
    splits = Splits.read(cfg.test_dataloader.dataset.data_root)
    name = splits.select("test")[0]
    checkpoint["meta"]["trained_on"] = [splits.images[name].sha256]
    save_atomically(checkpoint, tmp_path / "leaky.pth")
    with pytest.raises(UserError, match=f"1 of .* test images were trained on(.|\n)*leaky.pth: {name}"):
        apis.test(cfg, [best(cascade, cascade.phase1), str(tmp_path / "leaky.pth")])
    monkeypatch.chdir(tmp_path)
    path = best(cascade, cascade.phase1)
    assert main(["test", cascade.phase1, path, path, "--set", cascade.set, "--work-dir", "twice"]) == 2
    assert "a checkpoint is given twice" in capfd.readouterr().err


def test_members_are_called_by_what_tells_them_apart():
    assert member_names(["w/gated_fold0/best.pth", "w/gated_fold1/best.pth"]) == ["gated_fold0", "gated_fold1"]
    assert member_names(["w/run/best.pth", "w/run/last.pth"]) == ["best", "last"]
    with pytest.raises(UserError, match="ensemble"):
        member_names(["a/ensemble/best.pth", "a/other/best.pth"])
