"""The table of cases as CSV."""

import pytest

from ultraref.evaluation.case_table import read_cases, write_cases


def test_what_is_written_is_read_again(tmp_path):
    rows = [
        dict(dataset="busi", name="001", hash="12", coarse_empty=True, refined_dice=1 / 3, _bins=[1]),
        dict(dataset="busi", name="b, c", hash="1e5", refined_dice=None, case_class="benign"),
    ]
    write_cases(tmp_path / "metrics.csv", rows)
    first, second = read_cases(tmp_path / "metrics.csv")
    # Names stay words, whatever they look like.
    assert (first["name"], first["hash"], second["hash"]) == ("001", "12", "1e5")
    assert first["coarse_empty"] == 1
    assert first["refined_dice"] == pytest.approx(1 / 3, abs=1e-9)
    assert second["name"] == "b, c"
    assert (second["refined_dice"], second["case_class"], first["case_class"]) == (None, "benign", None)
    assert "_bins" not in first


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "must name the columns dataset,name"),
        ("dataset,name\n", "has no case"),
        ("dataset,name\nbusi,a,0.5\n", "line 2: has 3 values, the header 2"),
        (b"dataset,name\nbusi,\xff\n", "isn't UTF-8"),
        (None, "no such file"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, message):
    path = tmp_path / "metrics.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        read_cases(path)


def test_names_are_no_formulas_and_come_back(tmp_path):
    names = ["=1+1", "-a", "'=b", "@c", "plain", "007"]
    write_cases(tmp_path / "metrics.csv", [{"dataset": "+set", "name": name, "delta_dice": -0.25} for name in names])
    text = (tmp_path / "metrics.csv").read_text()
    assert text.splitlines()[1] == "'+set,'=1+1,-0.25"
    assert [(row["dataset"], row["name"], row["delta_dice"]) for row in read_cases(tmp_path / "metrics.csv")] == [
        ("+set", name, -0.25) for name in names
    ]
