"""Verdicts are read by name and set, and nothing odd is passed over."""

import pytest

from ultraref.datasets.judged_pairs import COLUMNS, JudgedPairs, pairs_csv
from ultraref.errors import UserError

ROWS = [
    {"first_set": "busi", "first": "a", "second_set": "busi", "second": "b", "verdict": "accepted"},
    {"first_set": "busi", "first": "c", "second_set": "busi", "second": "b", "verdict": "Rejected "},
    {"first_set": "busi", "first": "a", "second_set": "clinic", "second": "a", "verdict": "accepted"},
    {"first_set": "busi", "first": "a", "second_set": "busi", "second": "z", "verdict": ""},
]


def write(path, rows=ROWS):
    path.write_text(pairs_csv([{**dict.fromkeys(COLUMNS, ""), **row} for row in rows]), encoding="utf-8")
    return path


def test_verdicts_of_one_set(tmp_path):
    judged = JudgedPairs.read(write(tmp_path / "pairs.csv"))
    assert judged.of("busi", "abc") == ([("a", "b")], [("b", "c")])
    assert judged.of("clinic", "a") == ([], [])
    assert judged.verdict(("busi", "b"), ("busi", "a")) is True
    assert judged.verdict(("clinic", "a"), ("busi", "a")) is True
    assert judged.verdict(("busi", "a"), ("busi", "z")) is None


def test_three_columns_do_and_a_spreadsheet_s_mark(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes("\ufefffirst,second,verdict\na,b,accepted\n".encode())
    judged = JudgedPairs.read(path)
    assert judged.of("any", "ab") == ([("a", "b")], [])
    assert judged.verdict(("busi", "a"), ("busi", "b")) is True
    assert judged.verdict(("busi", "a"), ("clinic", "b")) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first,second\na,b\n", "must name the columns first,second,verdict"),
        ("first,second,verdict\na,b,maybe\n", r", line 2: the verdict is 'maybe'; it is accepted, rejected or empty"),
        ("first,second,verdict\na,,accepted\n", "line 2: needs the names"),
        ("first,second,verdict\na,a,accepted\n", "line 2: needs the names of two images"),
        ("first,second,verdict\na,b,accepted\nb,a,rejected\n", "line 3: b and a are both"),
    ],
)
def test_what_cannot_be_read_is_named_by_line(tmp_path, text, message):
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        JudgedPairs.read(path)


def test_unknown_images_are_refused_by_name(tmp_path):
    judged = JudgedPairs.read(write(tmp_path / "pairs.csv"))
    with pytest.raises(UserError, match=r"1 images are not in busi: c"):
        judged.of("busi", "ab")
    with pytest.raises(FileNotFoundError):
        JudgedPairs.read(tmp_path / "nowhere.csv")
