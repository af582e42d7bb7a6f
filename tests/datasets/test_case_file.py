"""cases.csv: what it holds, that it is the one that was written, and names of columns."""

import pytest

from ultraref.datasets.case_file import COLUMNS, CaseFile, column_name, further_columns
from ultraref.datasets.splits import ImageEntry, Splits
from ultraref.errors import MissingFileError, UserError

ROWS = {
    "b": {"path": "x/b.png", "class": "benign", "histology": 'ductal, "in situ"'},
    "a": {"path": "x/a.png", "spacing_row": "0.0812345678", "spacing_column": "0.1", "note": "größer"},
}
CASES = CaseFile(ROWS)


def splits():
    entry = ImageEntry("test", None, "a", "b", "benign", "x", "c")
    return Splits("toy", 0, True, "by hand", 1, {"a": entry, "b": entry}, CASES)


def test_round_trip_with_fixed_columns_first(tmp_path):
    splits().write(tmp_path)
    lines = (tmp_path / "cases.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",") == [*COLUMNS, "histology", "note"]
    assert [line.split(",")[0] for line in lines[1:]] == ["a", "b"]
    read = Splits.read(tmp_path)
    assert read == splits()
    assert read.describe("a")["spacing"] == (0.0812345678, 0.1)
    assert read.describe("b")["attributes"] == ROWS["b"]
    assert "spacing" not in read.describe("b")


def test_a_changed_or_missing_file_is_refused(tmp_path):
    splits().write(tmp_path)
    path = tmp_path / "cases.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("benign", "malignant"), encoding="utf-8")
    with pytest.raises(UserError, match=r"cases\.csv: was changed after it was written"):
        Splits.read(tmp_path)
    path.unlink()
    with pytest.raises(MissingFileError, match=r"cases\.csv: no such file, but splits\.json"):
        Splits.read(tmp_path)


def test_the_hash_of_the_split_covers_it():
    changed = CaseFile({**ROWS, "b": {**ROWS["b"], "class": "malignant"}})
    whole = splits()
    assert Splits(**{**vars(whole), "cases": changed}).hash != whole.hash
    assert Splits(**{**vars(whole), "cases": None}).hash != whole.hash


def test_names_of_columns():
    assert [column_name(name) for name in ("BIRADS", "BI-RADS", "Lesion size (mm)", "größe", "  a__b ")] == [
        "birads",
        "birads",
        "lesion_size_mm",
        "größe",
        "a_b",
    ]
    with pytest.raises(UserError, match="neither a letter nor a digit"):
        column_name("--")


def test_a_column_never_takes_the_place_of_another():
    assert further_columns({"Device": "GE", "Class": "x", "Name": "y\n z", "Age": 51}, without=("age",)) == {
        "device": "GE",
        "source_class": "x",
        "source_name": "y z",
    }
    with pytest.raises(UserError, match="'BI-RADS', get the name 'birads'"):
        further_columns({"BIRADS": "4", "BI-RADS": "5"})


def test_a_root_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    splits().write(tmp_path)
    assert Splits.read("~") == splits()


@pytest.mark.parametrize(
    "row",
    [
        {"spacing_row": "0.1.2", "spacing_column": "0.1"},
        {"spacing_row": "0.1"},
        {"spacing_row": "-1", "spacing_column": "1"},
    ],
)
def test_a_spacing_that_is_none_is_named(tmp_path, row):
    cases = CaseFile({"a": row})
    (tmp_path / "cases.csv").write_text(cases.to_csv())
    with pytest.raises(UserError, match=r"cases\.csv: the spacing of a is"):
        CaseFile.read(tmp_path, cases.sha256)
