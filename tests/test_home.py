"""A home folder that can't be written: caches go elsewhere, and a line says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ultraref import home

ROOT = Path(__file__).parents[1]
# A folder below a file can't be made, by nobody.
NOWHERE = "/dev/null/nowhere"


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(home.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(home.tempfile, "tempdir", str(tmp_path))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        # Set and removed, so that what the function sets is removed at the end too.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.parametrize("place", [NOWHERE, "~"])
def test_caches_get_a_folder_of_their_own(place, temporary, monkeypatch, capsys):
    monkeypatch.setattr(home.os.path, "expanduser", lambda path: place)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/as/the/user/wants")
    home.use_writable_home()
    folder = temporary / f"ultraref-{os.getuid()}"
    assert os.environ["XDG_CACHE_HOME"] == f"{folder}/cache"
    assert os.environ["XDG_CONFIG_HOME"] == "/as/the/user/wants"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert capsys.readouterr().err.splitlines() == [
        f"the home folder {place} can't be written; caches of other packages go to {folder}. Set XDG_CACHE_HOME to change that"
    ]


def test_a_folder_that_somebody_else_can_write_is_not_taken(temporary, monkeypatch, capsys):
    monkeypatch.setenv("HOME", NOWHERE)
    folder = temporary / f"ultraref-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    home.use_writable_home()
    taken = Path(os.environ["XDG_CACHE_HOME"]).parent
    assert taken != folder
    assert taken.parent == temporary


def test_a_home_that_can_be_written_is_left_alone(temporary, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(temporary))
    home.use_writable_home()
    assert "XDG_CACHE_HOME" not in os.environ
    assert list(temporary.iterdir()) == []
    assert capsys.readouterr().err == ""


def test_a_command_says_it_once_and_matplotlib_follows(tmp_path):
    code = (
        "from ultraref.console import run\nimport sys\n"
        "def main():\n import matplotlib\n print(matplotlib.get_cachedir(), matplotlib.get_configdir())\n return 0\n"
        "sys.exit(run(main))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XDG_") and k != "MPLCONFIGDIR"}
    environment |= {"HOME": NOWHERE, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / f"ultraref-{os.getuid()}"
    assert done.stdout.split() == [f"{folder}/cache/matplotlib", f"{folder}/config/matplotlib"]
    assert len(done.stderr.splitlines()) == 1
