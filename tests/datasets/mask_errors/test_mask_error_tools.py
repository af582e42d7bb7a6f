import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ultraref.datasets.mask_errors import PRESETS

TOOLS = Path(__file__).parents[3] / "tools"


@pytest.fixture
def run(monkeypatch):
    """Runs a tool in this process."""
    threads = cv2.getNumThreads()

    def run(tool, *arguments):
        monkeypatch.setattr(sys, "argv", [tool, *map(str, arguments)])
        try:
            runpy.run_path(str(TOOLS / tool), run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise

    yield run
    cv2.setNumThreads(threads)


def test_browse_errors_writes_two_pictures_and_a_table(run, round_lesion, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "lesion_mask.png"), 255 * round_lesion)
    run("browse_errors.py", tmp_path / "lesion_mask.png", "--out", tmp_path / "out", "--columns", 2, "--tile", 48)
    for name in ("contact_sheet.png", "dice.png"):
        assert cv2.imread(str(tmp_path / "out" / name)) is not None
    rows = [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert rows[1:] == list(PRESETS["default"])


def test_benchmark_reports_ratios_to_the_transform_of_the_same_run(run, tmp_path):
    run("benchmarks/mask_errors.py", "--num", 2, "--sizes", 64, 96, "--json", tmp_path / "times.json")
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
