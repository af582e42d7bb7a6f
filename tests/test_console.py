"""Which errors end with their message alone."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest
from torch.utils.data import DataLoader, Dataset

from ultraref.checkpoint import load_checkpoint_file
from ultraref.console import run
from ultraref.errors import MissingFileError


class Damaged(Dataset):
    """A data set whose samples fail in code of the package."""

    def __init__(self, path):
        self.path = path

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return load_checkpoint_file(self.path)


@pytest.mark.parametrize("workers", [0, 1])
def test_errors_of_the_package_are_one_line(workers, tmp_path, capsys):
    assert run(lambda: list(DataLoader(Damaged(tmp_path / "x.pth"), num_workers=workers))) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: checkpoint ")
    assert "x.pth does not exist" in error
    assert "Traceback" not in error


def test_errors_from_a_pool_of_processes_are_one_line(tmp_path, capsys):
    with ProcessPoolExecutor(1) as pool:
        assert run(pool.submit(load_checkpoint_file, tmp_path / "x.pth").result) == 2
        with pytest.raises(ValueError, match="invalid literal"):
            run(pool.submit(int, "x").result)
    error = capsys.readouterr().err
    assert error.startswith("error: checkpoint ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("fault", [ValueError, KeyError, FileNotFoundError, TypeError])
def test_faults_of_the_program_keep_their_traceback(fault):
    """Also those that code of this package raises itself."""

    def main():
        raise fault("rng")

    with pytest.raises(fault, match="rng"):
        run(main)


def test_a_stdout_that_is_not_utf_8_gets_what_it_can_hold():
    code = "from ultraref.console import run; run(lambda: print('B\\u00e4r \\u2192 done') or 0)"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=200)
    assert done.stdout == rb"B\xe4r \u2192 done" + b"\n", done.stderr


def test_a_missing_file_is_both_kinds_of_error():
    error = MissingFileError("checkpoint x.pth does not exist")
    assert isinstance(error, (FileNotFoundError, ValueError))
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == "checkpoint x.pth does not exist"
