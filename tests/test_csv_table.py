from itertools import islice

import numpy as np
import pytest

from ultraref.csv_table import quote_cell, read_rows, read_table, unquote_cell, whole_number, write_table
from ultraref.errors import MissingFileError, UserError
from ultraref.testing.fuzz import mutations

TEXTS = ["=1+1", "+x", "-x", "@a", "\tx", "\rx", "'=a", "''-a", "'plain", "plain", "", "-", "=", "-5", "+1.5e-3", "-.5"]


def written(folder, content: bytes):
    path = folder / "a.csv"
    path.write_bytes(content)
    return path


def refused(path, *columns) -> str:
    with pytest.raises(UserError) as caught:
        read_table(path, columns)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return str(caught.value)


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_no_formula_and_comes_back(text):
    cell = quote_cell(text)
    assert unquote_cell(cell) == text
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r") or text in ("-5", "+1.5e-3", "-.5")


def test_numbers_stay_numbers():
    assert [quote_cell(value) for value in (-1, -2.5, None, True)] == [-1, -2.5, None, True]
    assert quote_cell("-5") == "-5"


def test_a_table_comes_back_as_it_was_written(tmp_path):
    names = [text for text in TEXTS if text]
    write_table(tmp_path / "a.csv", ["name", "=size"], [[name, None] for name in names])
    rows = [row for _, row in read_table(tmp_path / "a.csv")]
    assert rows == [{"name": name, "=size": ""} for name in names]


def test_semicolons_marks_and_blanks(tmp_path):
    table = read_table(written(tmp_path, b'\xef\xbb\xbfName; Fold\r\n a ;1\r\n;\r\n\r\n"b;c";2\r\n'), ["name", "fold"])
    assert table == [(2, {"name": "a", "fold": "1"}), (5, {"name": "b;c", "fold": "2"})]
    header, rows = read_rows(written(tmp_path, b"A,b\n1\n1,2,3\n"), fold_case=False)
    assert header == ["A", "b"]
    assert rows == [(2, ["1"]), (3, ["1", "2", "3"])]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it has nothing"),
        (b"nam,fold\n", "'nam' is near"),
        (b"name,fold,name\n", "'name' twice"),
        (b"name,fold\na\n", "line 2: has 1 values, the header 2"),
        (b"name,fold\na,b,c\n", "line 2: has 3 values, the header 2"),
        ("name,fold\n\u00e4,1\n".encode("utf-16"), "is UTF-16"),
        ("name,fold\n\u00e4,1\n".encode("latin-1"), "isn't UTF-8"),
        (b"name,fold\n\x00,1\n", "zero bytes"),
        (b'name,fold\n"a,1\nb,2\n', "can't be read as CSV"),
        (b"name,fold\n" + b"a" * 200_000 + b",1\n", "can't be read as CSV"),
    ],
)
def test_everything_else_is_one_line(tmp_path, content, said):
    assert said in refused(written(tmp_path, content), "name", "fold")


def test_a_missing_table(tmp_path):
    with pytest.raises(MissingFileError, match="no such file"):
        read_table(tmp_path / "b.csv")


def test_only_plain_digits_are_a_whole_number():
    assert [whole_number(text) for text in ("7", "007", "", "-1", "\u00b2", "1.0", "1" * 5000)] == [
        *(7, 7, None, None, None, None, None)
    ]


def test_damaged_files_are_read_or_refused(tmp_path):
    data = b"name,fold,file\n" + b"".join(b"a%d,%d,x/%d.png\n" % (k, k, k) for k in range(20))
    messages = []
    for damaged in islice(mutations(data, np.random.default_rng(0)), 300):
        path = written(tmp_path, damaged)
        try:
            read_table(path, ["name", "fold"])
        except UserError as error:
            messages.append(str(error))
    assert 100 < len(messages) < 300
    assert not any("\n" in message for message in messages)
