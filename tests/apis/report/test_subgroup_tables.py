"""Results by subgroup, and false alarms."""

import json

import numpy as np
import pytest

from ultraref.apis.report import read_study
from ultraref.apis.report.subgroup_tables import false_alarm_table, subgroup_tables


def test_every_run_has_a_row_for_each_part(tmp_path, made):
    """Every fourth of the 40 cases is malignant."""
    study = read_study([made.write_test(tmp_path / "a"), made.write_test(tmp_path / "b", refines=False)])
    size, by_class = subgroup_tables(study.runs)
    assert [row[:3] for row in by_class.rows] == [
        ["benign", "a", "30"],
        ["benign", "b", "30"],
        ["malignant", "a", "10"],
        ["malignant", "b", "10"],
    ]
    malignant = by_class.rows[2]
    expected = made.coarse[::4]
    assert float(malignant[3].split()[0]) == pytest.approx(expected.mean(), abs=5e-5)
    assert float(malignant[4].split()[0]) == pytest.approx(np.mean(expected + made.change[::4]), abs=5e-5)
    assert float(malignant[5]) == pytest.approx(made.change[::4].mean(), abs=5e-5)
    assert by_class.rows[3][4:] == ["", ""]  # a coarse network alone
    assert [row[2] for row in size.rows if row[1] == "a"] == ["10"] * 4
    assert size.head[0] == "Lesion size, pixels of the native image"


def test_false_alarms_are_told_where_normals_were_tested(tmp_path, made):
    folder = made.write_test(tmp_path / "a")
    assert false_alarm_table(read_study([folder]).runs) is None
    content = json.loads((folder / "metrics.json").read_text())
    content["measured"]["normals"] = 20
    content.update(
        {
            "test_refined/normal_alarms": 0.25,
            "test_refined/normal_alarms_ci95_low": 0.1,
            "test_refined/normal_alarms_ci95_high": 0.45,
            "test_refined/normal_false_area": 31.25,
        }
    )
    (folder / "metrics.json").write_text(json.dumps(content))
    table = false_alarm_table(read_study([folder]).runs)
    assert table.rows == [["a", "refined", "20", "25.0 % (10.0 to 45.0)", "31.2"]]
