import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ultraref.datasets.mask_errors import PRESETS
from ultraref.datasets.prediction_store import PredictionManifest, PredictionStore

TOOLS = Path(__file__).parents[3] / "tools"


@pytest.fixture
def run(monkeypatch):
    """Runs a tool in this process, and returns its exit status."""
    threads = cv2.getNumThreads()

    def run(tool, *arguments):
        monkeypatch.setattr(sys, "argv", [tool, *map(str, arguments)])
        try:
            runpy.run_path(str(TOOLS / tool), run_name="__main__")
        except SystemExit as end:
            return end.code
        return 0

    yield run
    cv2.setNumThreads(threads)


def test_browse_errors_writes_two_pictures_and_a_table(run, round_lesion, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "lesion_mask.png"), 255 * round_lesion)
    arguments = (tmp_path / "lesion_mask.png", "--out", tmp_path / "out", "--columns", 2, "--tile", 48)
    assert run("browse_errors.py", *arguments) == 0
    for name in ("contact_sheet.png", "dice.png"):
        assert cv2.imread(str(tmp_path / "out" / name)) is not None
    rows = [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert rows[1:] == list(PRESETS["default"])


def test_fit_softness_reads_the_validation_folds_alone(run, tmp_path, capsys):
    """Masks of one temperature give that temperature; the test part, which is sharper, has no say."""
    distance = np.hypot(*(np.mgrid[:64, :64] - 31.5))
    soft, sharp = (1 / (1 + np.exp((distance - 16) / t)).astype(np.float32) for t in (2.0, 0.2))
    store = PredictionStore(tmp_path / "store")
    for fold, split, prob in ((0, "val", soft), (1, "val", soft), (0, "test", sharp)):
        manifest = PredictionManifest(fold, split, 64, "best.pth", "0" * 64, "config.py")
        with store.writer(manifest) as writer:
            writer.add(f"image_{split}", prob, "0" * 64)
    assert run("fit_softness.py", tmp_path / "store", "--json", tmp_path / "softness.json") == 0
    report = json.loads((tmp_path / "softness.json").read_text())
    assert report["predictions"] == 2
    # To half a pixel.
    assert report["temperature"]["0.5"] == pytest.approx(2.0, abs=0.6)
    assert "augmentor=dict(" in capsys.readouterr().out


def test_fit_softness_without_predictions_is_one_error(run, tmp_path, capsys):
    assert run("fit_softness.py", tmp_path) == 2
    assert "has no fold*/val/manifest.json" in capsys.readouterr().err


def test_benchmark_reports_ratios_to_the_transform_of_the_same_run(run, tmp_path):
    assert run("benchmarks/mask_errors.py", "--num", 2, "--sizes", 64, 96, "--json", tmp_path / "times.json") == 0
    report = json.loads((tmp_path / "times.json").read_text())
    assert list(report) == ["64", "96"]
    for result in report.values():
        assert result["num_masks"] == 2
        assert len(result["types"]) == 12
        assert result["max_ratio"] == max(entry["ratio"] for entry in result["types"].values())
        assert result["mix_ratio"] == pytest.approx(result["mix_ms"] / result["edt_ms"])
        for entry in result["types"].values():
            assert entry["ratio"] == pytest.approx(entry["ms"] / result["edt_ms"])
            assert np.isfinite(entry["ms"])
            assert entry["ms"] > 0
