"""Curves and failures of tests: what is drawn, what is said, and what is refused."""

import json

import cv2
import pytest

from ultraref.apis import load_config
from ultraref.apis.analyse import failures
from ultraref.apis.analyse.harm_curve import draw_harm_curves
from ultraref.cli.main import main
from ultraref.datasets import Splits
from ultraref.errors import UserError
from ultraref.evaluation.case_table import write_cases


def table(path, changes):
    rows = [
        dict(
            dataset="x",
            name=f"{path.name}_{place}",
            agreement=score,
            coarse_dice=0.7,
            refined_dice=0.7 + change,
            delta_dice=change,
        )
        for place, (score, change) in enumerate(changes)
    ]
    path.mkdir()
    write_cases(path / "metrics.csv", rows)
    return path


@pytest.fixture
def runs(tmp_path):
    return [table(tmp_path / "a", [(0.9, 0.08), (0.8, -0.07)]), table(tmp_path / "b", [(0.7, -0.2), (0.6, 0.0)])]


def test_the_curves_of_two_runs_are_one(runs, tmp_path, capsys):
    out = tmp_path / "harm.png"
    assert main(["analyse", "harm-curve", *map(str, runs), "--out", str(out)]) == 0
    assert cv2.imread(str(out)) is not None
    said = capsys.readouterr().out
    # Of four images the first alone is accepted.
    assert "agreement: +0.0200 at 0.0% harmed (25% accepted)" in said
    assert main(["analyse", "harm-curve", str(runs[0]), "--scores", "luck", "--out", str(out)]) == 2
    with pytest.raises(UserError, match=r"\.png or \.svg"):
        draw_harm_curves(runs, tmp_path / "harm.gif")


def test_failures_are_all_that_lost_more_the_worst_first(runs, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(failures, "visualize_cases", lambda cfg, checkpoint, pictures, *rest: drawn.update(pictures))
    joined = tmp_path / "c"
    changes = [(0.9, 0.08), (0.8, -0.07), (0.7, -0.2), (0.6, -0.05)]
    names = failures.draw_failures(None, None, table(joined, changes), tmp_path / "out")
    assert names == ["c_2", "c_1"]
    assert [path.name for path in drawn.values()] == ["001_c_2.png", "002_c_1.png"]
    told = json.loads((tmp_path / "out" / "failures.json").read_text())
    assert [(case["name"], case["delta_dice"]) for case in told["cases"]] == [("c_2", -0.2), ("c_1", -0.07)]
    assert told["images"] == 4
    with pytest.raises(UserError, match="--lost is 1"):
        failures.draw_failures(None, None, joined, tmp_path / "out", lost=1.0)


def test_failures_of_a_test_are_drawn(cascade, tmp_path, capsys):
    gated = cascade.phase3[1]
    folder = load_config(gated, set=cascade.set, fold=0).work_dir
    arguments = ["analyse", "failures", gated, f"{folder}/best.pth"]
    rows = [
        dict(dataset="x", name=name, coarse_dice=0.9, refined_dice=0.8, delta_dice=-0.1) for name in _names(cascade)[:2]
    ]
    write_cases(tmp_path / "metrics.csv", rows)
    out = tmp_path / "failures"
    assert (
        main(
            [
                *arguments,
                str(tmp_path / "metrics.csv"),
                "--set",
                cascade.set,
                "--fold",
                "0",
                "--out",
                str(out),
                "--device",
                "cpu",
            ]
        )
        == 0
    )
    assert "wrote 2 cases" in capsys.readouterr().out
    assert len(list(out.glob("*.png"))) == 2


def _names(cascade):
    return Splits.read(load_config(cascade.phase1, set=cascade.set).test_dataloader.dataset.data_root).select(
        "test", None
    )
