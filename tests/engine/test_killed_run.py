"""A run that is killed again and again, between iterations and while it saves, is the unbroken one in the end."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_exact_resume import differences, load


def start(work_dir):
    script = Path(__file__).with_name("killed_worker.py")
    return subprocess.Popen(
        [sys.executable, str(script), str(work_dir)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.slow
def test_random_sigkills_change_nothing(tmp_path):
    unbroken = start(tmp_path / "unbroken")
    assert unbroken.communicate(timeout=300)[0].endswith("done\n")
    rng = np.random.default_rng(0)
    kills, finished = 0, False
    while not finished:
        process = start(tmp_path / "killed")
        # 3 iterations an epoch; best.pth may be saved, and last.pth is.
        left = int(rng.integers(4, 12)) if kills < 4 else 1000
        output = ""
        for line in process.stdout:
            output += line
            left -= line.startswith(("iteration", "save"))
            if left == 0:
                process.kill()
                kills += 1
                break
        process.stdout.close()
        process.wait()
        finished = output.endswith("done\n")
        assert finished or left == 0, output
    assert kills >= 3
    found = differences(load(tmp_path / "unbroken"), load(tmp_path / "killed"))
    assert list(found) == []
    assert not list((tmp_path / "killed").glob(".*partial"))
    assert not (tmp_path / "killed" / "run.lock").exists()
