"""Each tool on what tiny runs left: what is drawn and counted, and what is refused."""

import json
from pathlib import Path

import cv2
import pytest

from ultraref.apis import load_config
from ultraref.apis.analyse.plot_logs import plot_logs, read_curves
from ultraref.cli.main import main
from ultraref.datasets import Splits
from ultraref.errors import UserError


def folder(cascade, path, fold=0) -> Path:
    return Path(load_config(path, set=cascade.set, fold=fold).work_dir)


def names(cascade, split, fold=None) -> list[str]:
    return Splits.read(load_config(cascade.phase1, set=cascade.set).test_dataloader.dataset.data_root).select(
        split, fold
    )


def test_browsed_samples_show_each_networks_frame(cascade, tmp_path, capsys):
    arguments = ["--set", cascade.set, "--num", "2", "--out", str(tmp_path)]
    assert main(["analyse", "browse-dataset", cascade.phase3[0], "--split", "test", *arguments]) == 0
    assert "wrote 2 pictures" in capsys.readouterr().out
    test = names(cascade, "test")
    files = sorted(tmp_path.glob("*.png"))
    # Spread from the first to the last.
    assert [file.name for file in files] == [f"0000_{test[0]}.png", f"{len(test) - 1:04d}_{test[-1]}.png"]
    # Two square frames of 320 px, each with its margin.
    assert cv2.imread(str(files[0])).shape == (324, 2 * 324, 3)


def test_a_case_is_drawn_with_all_candidates(cascade, tmp_path):
    gated, name = cascade.phase3[1], names(cascade, "test")[0]
    out = tmp_path / "case.png"
    best = str(folder(cascade, gated) / "best.pth")
    arguments = ["analyse", "visualize-case", gated, best]
    assert main([*arguments, name, "--set", cascade.set, "--out", str(out), "--device", "cpu"]) == 0
    height, width, _ = cv2.imread(str(out)).shape
    # Rows of panels, probabilities, and at least one decoding.
    assert height % 324 == 0
    assert height >= 3 * 324
    assert width > 3 * 324


def test_an_unknown_case_is_answered_with_near_names(cascade, tmp_path, capsys):
    best = str(folder(cascade, cascade.phase1) / "best.pth")
    name = names(cascade, "test")[0]
    arguments = ["analyse", "visualize-case", cascade.phase1, best, f"{name}x", "--set", cascade.set]
    assert main([*arguments, "--out", str(tmp_path / "x.png")]) == 2
    assert f"such as {name}" in capsys.readouterr().err


def test_curves_of_a_resumed_run_are_one(tmp_path):
    for time, rows in (
        ("20260101_000000", [{"loss": 3.0, "step": 1}, {"loss": 2.0, "step": 2}, {"loss": 9.0, "step": 3}]),
        ("20260102_000000", [{"loss": 1.0, "step": 3}, {"val_refined/dice": 0.5, "step": 1}]),
    ):
        log = tmp_path / "run" / time / "vis_data" / "scalars.json"
        log.parent.mkdir(parents=True)
        # The last line is cut off, as where a run was killed.
        log.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"loss": 7')
    curves = read_curves(tmp_path / "run")
    assert curves == {"loss": [(1, 3.0), (2, 2.0), (3, 1.0)], "val_refined/dice": [(1, 0.5)]}
    out = tmp_path / "curves.svg"
    assert plot_logs([tmp_path / "run"], out, ["loss", "val_*/dice"]) == ["loss", "val_refined/dice"]
    assert out.read_text().startswith("<?xml")
    for keys, path, message in (
        (["lsos"], out, "they logged loss, val_refined/dice"),
        (["loss"], "c.gif", "in .png or .svg"),
    ):
        with pytest.raises(UserError, match=message):
            plot_logs([tmp_path / "run"], path, keys)


def test_a_line_of_a_log_whose_step_is_no_number_is_named(tmp_path):
    log = tmp_path / "20260101_000000/vis_data/scalars.json"
    log.parent.mkdir(parents=True)
    log.write_text('{"loss": 1.0, "step": {}}\n{"loss": 1.0, "step": 2}\n')
    with pytest.raises(UserError, match=r"scalars\.json, line 1: not a line of a log"):
        read_curves(tmp_path)


def test_curves_of_two_trainings(cascade, tmp_path):
    runs = [str(folder(cascade, cascade.phase1, fold)) for fold in (0, 1)]
    out = tmp_path / "curves.png"
    assert main(["analyse", "plot-logs", *runs, "--out", str(out)]) == 0
    assert cv2.imread(str(out)) is not None
    assert main(["analyse", "plot-logs", str(tmp_path), "--out", str(out)]) == 2
