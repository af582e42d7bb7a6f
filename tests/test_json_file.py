import json
import math
from itertools import islice

import numpy as np
import pytest

from ultraref.errors import MissingFileError, UserError
from ultraref.json_file import read_json
from ultraref.testing.fuzz import mutations


def written(folder, content: bytes | str):
    path = folder / "a.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path, **options) -> str:
    with pytest.raises(UserError) as caught:
        read_json(path, **options)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


def test_reads_utf8_with_and_without_a_mark(tmp_path):
    text = '{"name": "L\u00e4sion \\ud83e\\udec0", "n": [1, -2.5, 1e3, 123456789012345678]}'
    for encoding in ("utf-8", "utf-8-sig"):
        content = read_json(written(tmp_path, text.encode(encoding)))
        assert content == {"name": "L\u00e4sion \U0001fac0", "n": [1, -2.5, 1000.0, 123456789012345678]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b'{"a": 1', "line 1 column"),
        ('{"a": "\u00e4"}'.encode("latin-1"), "isn't UTF-8"),
        ('{"a": "\u00e4"}'.encode("utf-16"), "is UTF-16"),
        ('{"a": "\u00e4"}'.encode("utf-16-le"), "UTF-16"),
        ('{"a": "\u00e4"}'.encode("utf-32"), "is UTF-32"),
        (b'{"a": ' * 100_000, "nested too deeply"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"1" * 5000 + b"}", "5000 digits"),
        (b'{"a": 1e400}', "too large"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1, "b": 2, "a": 3}', "'a' occurs twice"),
        (b'{"a": ["\\ud800"]}', "half a character"),
        (b"[1]", "a list"),
        (b"null", "null"),
        (b"7", "the number 7"),
    ],
)
def test_everything_else_is_one_line(tmp_path, content, said):
    assert said in refused(written(tmp_path, content), what="list of things")


def test_a_list_is_asked_for_in_words(tmp_path):
    assert "an object" in refused(written(tmp_path, "{}"), expect=list)
    assert read_json(written(tmp_path, "3"), expect=None) == 3


def test_own_metrics_may_be_nan(tmp_path):
    content = read_json(written(tmp_path, json.dumps({"hd95": math.nan, "x": math.inf})), finite=False)
    assert math.isnan(content["hd95"])
    assert content["x"] == math.inf


def test_missing_files_folders_and_large_files(tmp_path):
    with pytest.raises(MissingFileError, match="no such file; make it"):
        read_json(tmp_path / "b.json", hint="make it")
    with pytest.raises(MissingFileError, match="is a folder"):
        read_json(tmp_path)
    assert "at most 0 are read" in refused(written(tmp_path, "[" + "1," * 50 + "1]"), max_bytes=100)


def test_damaged_files_are_read_or_refused(tmp_path):
    data = json.dumps({"images": [{"id": 1, "name": "a", "size": [1.5, 2]}] * 3, "b": None}).encode()
    messages = []
    for damaged in islice(mutations(data, np.random.default_rng(0)), 300):
        path = written(tmp_path, damaged)
        try:
            read_json(path)
        except UserError as error:
            messages.append(str(error))
    assert 100 < len(messages) < 300
    assert not any("\n" in message for message in messages)
