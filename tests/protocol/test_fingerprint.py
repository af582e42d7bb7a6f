"""What makes a step run again, and what doesn't; and how the reason is put."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ultraref.protocol import file_hashes
from ultraref.protocol.file_hashes import FileHashes, hash_code
from ultraref.protocol.fingerprint import Fingerprints, seconds_of
from ultraref.protocol.step import Step

CODE = {"models/gates/uncertainty.py": "1" * 16, "engine/runner.py": "2" * 16}


@pytest.fixture
def step(tmp_path) -> Step:
    """A finished training."""
    (tmp_path / "splits.json").write_text("{}")
    (tmp_path / "best.pth").write_bytes(b"weights")
    step = Step(
        "train_x",
        "phase1",
        "phase1",
        str(tmp_path / "best.pth"),
        str(tmp_path / "finished.json"),
        [str(tmp_path / "splits.json")],
        {"train_cfg.max_epochs": "4", "model.gate.gamma": "1.0"},
    )
    prints = Fingerprints(FileHashes(), CODE)
    prints.write_stamp(step, prints.parts(step), 12.34)
    return step


def why(step, code=CODE, **options) -> str | None:
    return Fingerprints(FileHashes(), code, **options).why(step)


def test_a_finished_step_is_finished_whatever_the_time_of_its_files(step):
    for path in (*step.inputs, step.result):
        os.utime(path, (1, 1))
    assert why(step) is None
    assert seconds_of(step) == 12.3


def test_a_changed_key_is_named_with_both_values(step):
    changed = {**step.settings, "train_cfg.max_epochs": "5"}
    assert why(replace(step, settings=changed)) == "config changed: train_cfg.max_epochs 4 -> 5"
    fewer = {"train_cfg.max_epochs": "4"}
    assert why(replace(step, settings=fewer)) == "config changed: model.gate.gamma 1.0 -> nothing"
    assert why(replace(step, settings={"train_cfg.max_epochs": "5", "model.gate.gamma": "2.0"})) == (
        "config changed: model.gate.gamma 1.0 -> 2.0 (and 1 more)"
    )


def test_changed_data_and_code_are_named(step, tmp_path):
    code = {**CODE, "models/gates/uncertainty.py": "3" * 16}
    assert why(step, code) == "code changed: models/gates/uncertainty.py"
    assert why(step, code, any_code=True) is None
    (tmp_path / "splits.json").write_text("[]")
    assert why(step) == f"input changed: {tmp_path}/splits.json"
    assert why(step, code) == "code changed: models/gates/uncertainty.py (and 1 more)"
    assert why(step, code, any_code=True) == f"input changed: {tmp_path}/splits.json"


def test_a_result_that_is_gone_or_another_is_made_again(step, tmp_path):
    (tmp_path / "best.pth").write_bytes(b"others")
    assert why(step) == f"{tmp_path}/best.pth isn't what the step left"
    (tmp_path / "best.pth").unlink()
    assert why(step) == f"{tmp_path}/best.pth is gone"
    (tmp_path / "finished.json").unlink()
    assert why(step) == "not done yet"


def test_results_that_no_protocol_made(step, tmp_path):
    (tmp_path / "finished.json").unlink()
    assert why(step) == f"{tmp_path}/best.pth is there, but no protocol made it"
    # A conversion of the user's own is used.
    assert why(replace(step, is_kept=True)) is None
    # A stamp of a version before protocols.
    (tmp_path / "finished.json").write_text(json.dumps("0" * 64))
    assert why(step) == f"{tmp_path}/best.pth is there, but no protocol made it"


def test_raw_images_may_be_deleted_once_they_are_converted(step, tmp_path):
    (tmp_path / "splits.json").unlink()
    assert why(replace(step, is_kept=True)) is None
    assert why(step) == f"input changed: {tmp_path}/splits.json"


def test_documentation_is_not_code(tmp_path):
    path = tmp_path / "module.py"
    path.write_text('"""Says."""\n\n\ndef f(x):\n    """Doubles."""\n    return 2 * x\n')
    first = hash_code(path)
    path.write_text('"""Says more."""\n\n# Why.\ndef f(x):\n    """Gives\n    twice x."""\n    return 2 * x  # so\n')
    assert hash_code(path) == first
    path.write_text("def f(x):\n    return 3 * x\n")
    assert hash_code(path) != first


def test_the_runner_and_the_commands_are_no_part_of_results():
    names = set(FileHashes().of_code())
    assert {
        "engine/runner.py",
        "models/gates/uncertainty.py",
        "evaluation/metrics/overlap.py",
        "apis/train.py",
    } <= names
    assert not [name for name in names if name.startswith(("cli/", "protocol/", "testing/", "configs/"))]


def test_a_file_is_hashed_once_while_size_and_time_stay(tmp_path, monkeypatch):
    path, kept = tmp_path / "best.pth", tmp_path / "hashes.json"
    path.write_bytes(b"one")
    os.utime(path, (1000, 1000))
    hashes = FileHashes(kept)
    first = hashes.of(path)
    hashes.save()
    monkeypatch.setattr(file_hashes, "_hash_file", lambda _: pytest.fail("hashed again"))
    assert FileHashes(kept).of(path) == first
    monkeypatch.undo()
    path.write_bytes(b"two")
    assert FileHashes(kept).of(path) != first
    assert FileHashes(kept).of(tmp_path / "nothing") is None
    kept.write_text("{")
    assert FileHashes(kept).of(path) is not None


def test_a_young_file_is_not_remembered(tmp_path):
    """It may change again within the resolution of the file system's clock."""
    path, kept = tmp_path / "best.pth", tmp_path / "hashes.json"
    path.write_bytes(b"one")
    hashes = FileHashes(kept)
    hashes.of(path)
    hashes.save()
    assert not kept.exists()


def test_a_folder_has_the_hash_of_all_files_and_their_names(tmp_path):
    folder = tmp_path / "raw"
    (folder / "benign").mkdir(parents=True)
    image = folder / "benign/a.png"
    image.write_bytes(b"image")
    first = FileHashes().of(folder)
    image.rename(folder / "benign/b.png")
    renamed = FileHashes().of(folder)
    Path(folder / "benign/b.png").write_bytes(b"other")
    assert len({first, renamed, FileHashes().of(folder)}) == 3
