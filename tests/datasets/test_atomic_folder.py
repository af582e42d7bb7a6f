"""A folder appears whole or not at all."""

import os
import subprocess

import pytest

from ultraref.datasets.atomic import atomic_folder


def test_appears_at_the_end_and_replaces_what_was_there(tmp_path):
    dst = tmp_path / "deep" / "set"
    for content in ("first", "second"):
        with atomic_folder(dst) as staging:
            (staging / content).write_text(content)
            assert not (dst / content).exists()
        assert [path.name for path in dst.iterdir()] == [content]
    assert os.listdir(dst.parent) == ["set"]


def test_after_an_exception_the_old_folder_is_unchanged(tmp_path):
    dst = tmp_path / "set"
    with atomic_folder(dst) as staging:
        (staging / "old").touch()

    def interrupted():
        with atomic_folder(dst) as staging:
            (staging / "new").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(dst) == ["old"]
    assert os.listdir(tmp_path) == ["set"]


def test_leftovers_of_a_killed_process_are_removed_and_those_of_a_running_one_kept(tmp_path):
    process = subprocess.Popen(["true"])
    process.wait()
    pid = process.pid  # which no process has any more
    dead, running = tmp_path / f".set.{pid}.partial", tmp_path / f".set.{os.getppid()}.partial"
    dead.mkdir()
    running.mkdir()
    with atomic_folder(tmp_path / "set"):
        pass
    assert not dead.exists()
    assert running.exists()
