"""What is read of runs, how they are named, and what is refused."""

import pytest
import torch

from ultraref.apis.report import read_runs_named, read_study
from ultraref.apis.report.run_facts import read_facts
from ultraref.checkpoint import save_atomically
from ultraref.cli.main import main
from ultraref.errors import UserError


def test_runs_are_called_by_folder_or_as_they_are_named(tmp_path, made):
    one, two = made.write_test(tmp_path / "one"), made.write_test(tmp_path / "a=b")
    study = read_runs_named([f"SAM, true box={one}", str(two)])
    assert [run.name for run in study.runs] == ["SAM, true box", "a=b"]
    assert study.title == "SAM, true box"
    assert list(study.trainings) == ["SAM, true box", "a=b"]
    with pytest.raises(UserError, match="two runs have one name: same, same"):
        read_study([one, two], ["same", "same"])
    with pytest.raises(UserError, match="given twice"):
        read_study([one, one])
    with pytest.raises(UserError, match="no such folder of overlays"):
        read_study([one], overlays=tmp_path / "nothing")


def test_the_command_writes_a_page_and_tells_mistakes_alone(tmp_path, made, capsys):
    run, out = made.write_test(tmp_path / "run"), tmp_path / "out"
    assert main(["report", str(run), "--out", str(out), "--title", "T"]) == 0
    assert f"wrote {out}/report.html" in capsys.readouterr().out
    assert "<h1>T</h1>" in (out / "report.html").read_text()
    assert main(["report", str(tmp_path / "nothing"), "--out", str(out)]) == 2
    assert "nothing/metrics.csv: no such file" in capsys.readouterr().err


def test_a_config_is_read_and_not_run(tmp_path, made):
    folder = made.write_test(tmp_path / "run")
    marker = tmp_path / "ran"
    path = folder / "20260101_000002/vis_data/config.py"
    path.write_text(path.read_text() + f"\nopen({str(marker)!r}, 'w')\nbad = __import__('os')\nfold = 3\n")
    facts = read_facts(folder)
    assert not marker.exists()
    assert (facts.config["fold"], facts.gate) == (3, "UncertaintyGate")
    assert "bad" not in facts.config


def test_a_checkpoint_tells_parameters_and_training_images(tmp_path, made):
    folder = made.write_test(tmp_path / "run")
    state = {
        "refiner.weight": torch.zeros(3, 5),
        "gate.scale": torch.zeros(()),
        "refiner.norm.running_mean": torch.zeros(7),
        "refiner.norm.num_batches_tracked": torch.tensor(1),
    }
    meta = {"epoch": 4, "trained_on": ["aa", "bb"], "dataset_meta": {"grouped": False}}
    save_atomically({"state_dict": state, "meta": meta}, folder / "best.pth")
    facts = read_facts(folder)
    assert facts.parameters == {"refiner": 15, "gate": 1}
    assert facts.trained_on[0] == 2
    (folder / "best.pth").write_bytes(b"no checkpoint")
    assert read_facts(folder).parameters == {}


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("type='ConstantGate', value=1.0", "none"),
        ("type='ConstantGate'", "none"),
        ("type='ConstantGate', value=0.5", "constant 0.5"),
        ("value=1.0", ""),
    ],
)
def test_gates_in_words(tmp_path, made, gate, said):
    folder = made.write_test(tmp_path / "run")
    (folder / "20260101_000002/vis_data/config.py").write_text(f"model = dict(gate=dict({gate}))\n")
    assert read_facts(folder).gate == said


def test_a_folder_without_logs_has_no_facts(tmp_path):
    facts = read_facts(tmp_path)
    assert (facts.config, facts.checkpoint, facts.milliseconds, facts.gate) == ({}, "", None, "")
