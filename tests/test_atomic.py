"""A file or a folder appears whole or not at all."""

import errno
import json
import os
import signal
import subprocess
import sys
import warnings

import pytest

from ultraref.atomic import atomic_file, atomic_folder, write_json
from ultraref.errors import UserError


def test_a_file_appears_at_the_end_and_replaces_what_was_there(tmp_path):
    path = tmp_path / "deep" / "results.txt"
    for content in ("first\n", "zweitens: ä\r\n"):
        with atomic_file(path, "w") as file:
            file.write(content)
            assert not path.exists() or path.read_bytes() == b"first\n"
        assert path.read_bytes() == content.encode()
    assert os.listdir(path.parent) == ["results.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_after_an_exception_the_old_file_is_unchanged(tmp_path, error):
    path = tmp_path / "results.bin"
    path.write_bytes(b"old")

    def interrupted():
        with atomic_file(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["results.bin"]


def test_a_file_system_without_fsync_is_said_once_and_a_broken_disk_is_an_error(tmp_path, monkeypatch):
    def refuse(number):
        def fsync(_):
            raise OSError(number, os.strerror(number))

        return fsync

    monkeypatch.setattr(os, "fsync", refuse(errno.EINVAL))
    with pytest.warns(UserWarning, match="doesn't say when a file is on the disk"):
        write_json(tmp_path / "a.json", 1)
    assert json.loads((tmp_path / "a.json").read_text()) == 1
    monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
    with pytest.raises(UserError, match=r"a\.json can't be written: Input/output error"):
        write_json(tmp_path / "a.json", 2)
    assert json.loads((tmp_path / "a.json").read_text()) == 1


def test_what_the_file_system_refuses_is_said_once_a_process_and_permissions_are_never_changed(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    for name in ("fsync", "chmod", "fchmod"):
        monkeypatch.setattr(os, name, refuse)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")
        for number in range(3):
            write_json(tmp_path / f"{number}.json", number)
        with atomic_folder(tmp_path / "folder") as folder:
            write_json(folder / "a.json", 1)
    assert len(said) == 1
    assert sorted(path.name for path in tmp_path.rglob("*.json")) == ["0.json", "1.json", "2.json", "a.json"]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_file_has_the_permissions_of_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        with atomic_file(tmp_path / "file"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "store" / "real")
    write_json(tmp_path / "link", [1])
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "store" / "real").read_text()) == [1]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    code = "from ultraref.atomic import write_json; write_json('/dev/stdout', {'a': 1}, indent=None)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert run.stdout == '{"a": 1}\n', run.stderr


def test_a_name_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("ü" * 127)
    write_json(path, 1)
    assert json.loads(path.read_text()) == 1


def test_what_json_cannot_hold_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / "file.json", {"a": object()})
    assert os.listdir(tmp_path) == []


def test_other_modes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="mode is 'a'"), atomic_file(tmp_path / "file", "a"):
        pass


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


def test_a_folder_whose_writer_was_killed_between_the_two_renames_comes_back(tmp_path):
    process = subprocess.Popen(["true"])
    process.wait()
    old = tmp_path / f".set.old.{process.pid}.partial"
    old.mkdir()
    (old / "content").touch()

    def interrupted():
        with atomic_folder(tmp_path / "set"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == ["set"]
    assert os.listdir(tmp_path / "set") == ["content"]


def test_a_link_to_a_folder_stays_and_its_folder_is_replaced(tmp_path):
    (tmp_path / "disk" / "old").mkdir(parents=True)
    (tmp_path / "set").symlink_to(tmp_path / "disk")
    with atomic_folder(tmp_path / "set") as staging:
        (staging / "new").touch()
    assert (tmp_path / "set").is_symlink()
    assert os.listdir(tmp_path / "disk") == ["new"]
    assert sorted(os.listdir(tmp_path)) == ["disk", "set"]


@pytest.mark.parametrize("folder", [".", "..", "../here"])
def test_the_current_folder_is_not_replaced(folder, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UserError, match="is the current folder or one above it"), atomic_folder(folder):
        pass
    assert not any((tmp_path / "here").iterdir())


def test_a_mount_point_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "ismount", lambda path: os.fspath(path) == os.fspath(tmp_path))
    with pytest.raises(UserError, match=r"is a mount point.*; give a folder in it"), atomic_folder(tmp_path):
        pass


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from ultraref import atomic

def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "exchanged":
    # The old folder has been exchanged, and is about to be removed.
    shutil.rmtree = kill
else:
    atomic._exchange = lambda one, other: False
    rename = Path.rename
    # The first rename takes the old folder away, the second would bring the new one.
    Path.rename = lambda self, target: kill() if "old" not in str(target) else rename(self, target)
with atomic.atomic_folder(sys.argv[1]) as staging:
    (staging / "new").touch()
"""


@pytest.mark.parametrize(("how", "content"), [("exchanged", "new"), ("renamed", "old")])
def test_a_kill_between_the_renames_loses_no_folder(tmp_path, how, content):
    dst = tmp_path / "set [1]"
    with atomic_folder(dst) as staging:
        (staging / "old").touch()
    command = [sys.executable, "-c", KILLED, str(dst), how]
    run = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert dst.exists() == (how == "exchanged")
    assert len(os.listdir(tmp_path)) == 2
    with pytest.raises(KeyboardInterrupt), atomic_folder(dst):
        raise KeyboardInterrupt
    assert os.listdir(dst) == [content]
    assert os.listdir(tmp_path) == ["set [1]"]


def test_without_the_exchange_folders_are_renamed(tmp_path, monkeypatch):
    monkeypatch.setattr("ultraref.atomic._exchange", lambda one, other: False)
    for content in ("first", "second"):
        with atomic_folder(tmp_path / "set") as staging:
            (staging / content).touch()
        assert os.listdir(tmp_path / "set") == [content]
    assert os.listdir(tmp_path) == ["set"]
