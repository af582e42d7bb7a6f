"""A file is hashed once, and again when it has changed."""

import hashlib
import os

import pytest

from ultraref.datasets import recorded_files
from ultraref.datasets.recorded_files import read_recorded, sha256_once
from ultraref.errors import MissingFileError, UserError


@pytest.fixture
def hashed(monkeypatch):
    """Counts what is hashed."""
    counts = []
    whole, of_file = hashlib.sha256, recorded_files.sha256_of_file
    monkeypatch.setattr(hashlib, "sha256", lambda *data: (counts.append("data"), whole(*data))[1])
    monkeypatch.setattr(recorded_files, "sha256_of_file", lambda path: (counts.append("file"), of_file(path))[1])
    return counts


def test_a_file_is_compared_once_a_run_and_again_after_a_change(tmp_path, hashed):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    sha256 = hashlib.sha256(b"one").hexdigest()
    hashed.clear()
    assert [read_recorded(path, sha256, "x") for _ in range(3)] == [b"one"] * 3
    assert hashed == ["data"]
    path.write_bytes(b"two")
    os.utime(path, ns=(0, 1))
    with pytest.raises(UserError, match="file: is not the file that splits records"):
        read_recorded(path, sha256, "splits records")
    assert read_recorded(path, None, "x") == b"two"
    with pytest.raises(UserError):
        read_recorded(path, sha256, "x")


def test_the_hash_of_a_file_is_made_once_and_again_after_a_change(tmp_path, hashed):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    assert {sha256_once(path) for _ in range(3)} == {hashlib.sha256(b"one").hexdigest()}
    assert hashed.count("file") == 1
    path.write_bytes(b"three")
    assert sha256_once(path) == hashlib.sha256(b"three").hexdigest()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match="nothing: no such file"):
        read_recorded(tmp_path / "nothing", "0", "x")
