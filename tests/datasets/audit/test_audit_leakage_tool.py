"""The command: exit status and files."""

import json
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[3] / "tools" / "audit_leakage.py"


def run(*arguments):
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True)


def test_exit_status_and_files(planter, pictures, alter, tmp_path):
    clean, leaking = planter("clean"), planter("leaking")
    for fold in range(3):
        clean.add(f"c{fold}", pictures[fold], fold)
        leaking.add(f"l{fold}", pictures[fold + 3], fold)
    leaking.add("copy", alter(pictures[3]), 2)
    roots = clean.write("clean"), leaking.write("leaking")
    done = run(*roots, "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    # Sorted names: the copy comes first.
    assert "leak: leaking/copy (fold 2) and leaking/l0 (fold 0)" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "audit.json",
        "contact_sheet.png",
        "exclude.json",
        "pairs.csv",
        "scatter.png",
    ]
    excluded = json.loads((tmp_path / "out" / "exclude.json").read_text())["datasets"]
    assert not excluded["clean"]["images"]
    assert len(excluded["leaking"]["images"]) == 1
    assert run(roots[0], "--out", tmp_path / "out").returncode == 0
    failed = run(tmp_path / "nowhere", "--out", tmp_path / "out")
    assert failed.returncode == 2
    assert "error: " in failed.stderr
