"""What a training does with what it finds in its work directory."""

from dataclasses import replace

import pytest

from ultraref.atomic import write_json
from ultraref.protocol.file_hashes import FileHashes
from ultraref.protocol.fingerprint import Fingerprints
from ultraref.protocol.runs import Work, _clear_the_way
from ultraref.protocol.step import Plan, Step

PRINTS = Fingerprints(FileHashes(), {"engine/runner.py": "1" * 16})


@pytest.fixture
def step(tmp_path) -> Step:
    return Step(
        "train_x",
        "phase1",
        "phase1",
        str(tmp_path / "best.pth"),
        str(tmp_path / "finished.json"),
        settings={"train_cfg.max_epochs": "4"},
        arguments={"work_dir": str(tmp_path)},
    )


def clear(step) -> bool:
    return _clear_the_way(step, Work(Plan([step], ""), PRINTS.parts(step), PRINTS))


def checkpoints(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.pth"))


def test_an_interrupted_training_goes_on(step, tmp_path):
    assert not clear(step)
    (tmp_path / "last.pth").write_bytes(b"epoch 1")
    assert clear(step)
    assert checkpoints(tmp_path) == ["last.pth"]


def test_one_of_another_config_starts_anew(step, tmp_path):
    clear(step)
    (tmp_path / "last.pth").write_bytes(b"epoch 1")
    assert not clear(replace(step, settings={"train_cfg.max_epochs": "5"}))
    assert checkpoints(tmp_path) == []


def test_a_finished_one_is_not_resumed(step, tmp_path):
    """What made it stale may be a checkpoint that somebody else put there."""
    (tmp_path / "best.pth").write_bytes(b"epoch 4")
    PRINTS.write_stamp(step, PRINTS.parts(step), 1.0)
    changed = replace(step, settings={"train_cfg.max_epochs": "5"})
    assert not clear(changed)
    assert checkpoints(tmp_path) == []
    assert not (tmp_path / "finished.json").exists()


def test_checkpoints_that_no_protocol_left_are_kept_beside(step, tmp_path, capsys):
    for name in ("best.pth", "last.pth"):
        (tmp_path / name).write_bytes(b"by hand")
    assert not clear(step)
    assert checkpoints(tmp_path) == ["replaced/best.pth", "replaced/last.pth"]
    assert "was made outside of this protocol" in capsys.readouterr().out
    # The same after a finished step, whose result somebody exchanged.
    (tmp_path / "begun.json").unlink()
    (tmp_path / "best.pth").write_bytes(b"epoch 4")
    PRINTS.write_stamp(step, PRINTS.parts(step), 1.0)
    (tmp_path / "best.pth").write_bytes(b"exchanged")
    assert PRINTS.why(step) == f"{tmp_path}/best.pth isn't what the step left"
    assert not clear(step)
    assert (tmp_path / "replaced/best.pth").read_bytes() == b"exchanged"


def test_what_the_quick_start_of_an_earlier_version_began_is_replaced(step, tmp_path):
    write_json(tmp_path / "begun.json", "0" * 64)
    (tmp_path / "best.pth").write_bytes(b"old")
    assert not clear(step)
    assert checkpoints(tmp_path) == []
