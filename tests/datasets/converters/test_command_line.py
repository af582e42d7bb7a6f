"""What a user types and reads."""

import pytest

from ultraref.datasets.converters.busi import find_busi
from ultraref.datasets.converters.command_line import run_converter
from ultraref.datasets.splits import Splits


def test_converts_and_reports(raw_phantoms, tmp_path, capsys):
    run_converter("busi", find_busi, "help", [str(raw_phantoms), str(tmp_path / "dst"), "--seed", "3", "--ungrouped"])
    out = capsys.readouterr().out
    assert "30 images found, 27 kept, 3 without a lesion dropped" in out
    splits = Splits.read(tmp_path / "dst")
    assert (splits.dataset, splits.seed, splits.grouped) == ("busi", 3, False)
    assert splits.hash[:16] in out


def test_an_error_is_one_line_without_a_traceback(tmp_path):
    with pytest.raises(SystemExit) as stop:
        run_converter("busi", find_busi, "help", [str(tmp_path / "nowhere"), str(tmp_path / "dst")])
    assert str(stop.value).startswith("error: ")
    assert "nowhere" in str(stop.value)
    assert "\n" not in str(stop.value)
