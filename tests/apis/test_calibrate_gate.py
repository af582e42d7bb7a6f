"""A gate is calibrated on the validation fold of a trained model, and its test says so."""

from pathlib import Path

import pytest
import torch

from ultraref import apis
from ultraref.apis import calibrate_gate, init_model, load_config
from ultraref.checkpoint import load_checkpoint_file
from ultraref.errors import UserError
from ultraref.evaluation.case_table import read_cases

GATE = {"model.gate": dict(_delete_=True, type="ConformalGate", gate=dict(type="UncertaintyGate", gate_max=0.5))}


@pytest.fixture
def trained(cascade) -> Path:
    cfg = load_config(cascade.phase3[1], set=cascade.set, fold=0)
    return Path(cfg.work_dir) / "best.pth"


def load(cascade, work_dir, options=None):
    return load_config(cascade.phase3[1], GATE if options is None else options, work_dir, set=cascade.set, fold=0)


def test_writes_a_checkpoint_beside_that_holds_threshold_and_record(cascade, trained, tmp_path, capsys):
    cfg, before = load(cascade, tmp_path / "work"), trained.read_bytes()
    path, record = calibrate_gate(cfg, trained, alpha=0.4, out=tmp_path / "calibrated.pth", device="cpu")
    assert trained.read_bytes() == before
    saved = load_checkpoint_file(path)
    assert saved["meta"]["calibration"] == record
    assert (record["alpha"], record["score"], record["sets"]) == (0.4, "agreement", ["phantoms"])
    assert (record["harmed"] + 1) / (record["n"] + 1) <= 0.4
    # Its threshold is for this score and this gate inside.
    other = load(cascade, tmp_path, {"model.gate": dict(_delete_=True, type="ConformalGate", score="predicted_iou")})
    with pytest.raises(UserError, match=r"was calibrated as .*'agreement'.* is .*'predicted_iou'"):
        init_model(other, path)
    # What was calibrated on may be tested on, and the test says that it measures nothing; a case is refined or left as it is.
    cfg.test_dataloader.dataset = cfg.val_dataloader.dataset
    cfg.test_evaluator.measures = cfg.val_evaluator.measures
    apis.test(cfg, str(path))
    printed = "".join(capsys.readouterr())
    assert "Gate calibrated on" in printed
    assert "These are the images that the gate was calibrated on" in printed
    rows = read_cases(tmp_path / "work" / "metrics.csv")
    assert len(rows) == record["images"]
    assert sum(row["delta_dice"] < -0.01 for row in rows) / len(rows) <= 0.4
    # A calibration may be made anew, of the calibrated checkpoint.
    again, second = calibrate_gate(cfg, path, alpha=0.01, out=tmp_path / "again.pth", device="cpu")
    assert second["threshold"] == "inf"
    assert init_model(load(cascade, tmp_path), again).gate.threshold == torch.finfo(torch.float32).max


def test_the_checkpoint_is_not_overwritten(cascade, trained, tmp_path):
    with pytest.raises(UserError, match="not overwritten"):
        calibrate_gate(load(cascade, tmp_path), trained, out=trained)


def test_a_checkpoint_without_calibration_is_refused_by_the_command_that_makes_one(cascade, trained, tmp_path):
    with pytest.raises(UserError, match=r"gate\.threshold(.|\n)*tools/calibrate_gate\.py CONFIG CHECKPOINT"):
        init_model(load(cascade, tmp_path), trained)


def test_another_gate_is_refused(cascade, trained, tmp_path):
    with pytest.raises(UserError, match=r"model\.gate is UncertaintyGate"):
        calibrate_gate(load(cascade, tmp_path, {}), trained)


def test_images_that_were_trained_on_are_refused(cascade, trained, tmp_path):
    cfg = load(cascade, tmp_path)
    cfg.val_dataloader.dataset.fold = 1
    with pytest.raises(UserError, match=r"was trained on .* of the .* validation images"):
        calibrate_gate(cfg, trained, out=tmp_path / "calibrated.pth", device="cpu")
    assert not (tmp_path / "calibrated.pth").exists()


def test_copies_of_images_that_were_trained_on_are_refused(cascade, trained, larger_phantoms, tmp_path):
    cfg = load(cascade, tmp_path)
    cfg.val_dataloader.dataset.data_root = str(larger_phantoms)
    with pytest.raises(UserError, match=r"validation images(.|\n)*large/case\d+ \(a copy of phantoms/\w+\)"):
        calibrate_gate(cfg, trained, out=tmp_path / "calibrated.pth", device="cpu")
    assert not (tmp_path / "calibrated.pth").exists()
