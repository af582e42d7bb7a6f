"""A killed or damaged run goes on from what is whole; a new one starts from nothing that it finds."""

import os
import shutil

import pytest
import torch
from engine_toys import toy_config
from test_exact_resume import differences, load

from ultraref.engine.work_dir import checkpoint_to_resume, keep_previous, set_aside
from ultraref.errors import UserError


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The work dir of a run that was stopped after two of three epochs, and that of the unbroken one."""
    from ultraref.engine import UltraRunner

    base = tmp_path_factory.mktemp("trained")
    for name, epochs in (("broken", 2), ("unbroken", 3)):
        UltraRunner.from_cfg(toy_config(base / name, epochs=epochs, experiment_name=f"engine_test_work_{name}")).train()
    return base


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


DAMAGE = {
    "flipped": (flip, "is damaged"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "is a folder"),
    "link": (lambda path: (path.unlink(), path.symlink_to("gone")), "is a link to gone"),
    "gone": (lambda path: path.unlink(), "there is no last.pth"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_resume_falls_back_to_the_checkpoint_before_with_a_warning(trained, tmp_path, make_runner, kind, capsys):
    work_dir = tmp_path / "run"
    shutil.copytree(trained / "broken", work_dir, copy_function=shutil.copy)
    damage, message = DAMAGE[kind]
    damage(work_dir / "last.pth")
    make_runner(toy_config(work_dir, epochs=3, resume=True)).train()
    text = "".join(capsys.readouterr())
    assert message in text
    assert "goes on from the checkpoint before" in text
    # It went on from epoch 1, and came to where the unbroken run came.
    ignored = ("max_epochs", "max_iters")
    found = differences(load(trained / "unbroken"), load(work_dir))
    assert [where for where in found if not where.endswith(ignored)] == []
    assert load(work_dir)["meta"]["epoch"] == 3
    assert torch.load(work_dir / "previous.pth", weights_only=True)["meta"]["epoch"] == 2
    assert os.path.lexists(work_dir / "damaged_1.pth") == (kind != "gone")


def test_with_nothing_whole_each_problem_is_listed(trained, tmp_path):
    shutil.copytree(trained / "broken", tmp_path / "run", copy_function=shutil.copy)
    flip(tmp_path / "run" / "last.pth")
    (tmp_path / "run" / "previous.pth").write_bytes(b"")
    with pytest.raises(
        UserError, match=r"(?s)nothing to resume from:\n.*last\.pth is damaged.*\n.*previous\.pth is empty"
    ):
        checkpoint_to_resume(tmp_path / "run")


def test_a_run_that_is_not_resumed_sets_aside_the_checkpoints_of_another(trained, tmp_path, make_runner, capsys):
    work_dir = tmp_path / "run"
    shutil.copytree(trained / "broken", work_dir)
    before = (work_dir / "best.pth").read_bytes()
    for number in (1, 2):
        make_runner(toy_config(work_dir, epochs=1)).train()
        assert "held the checkpoints of another run" in "".join(capsys.readouterr())
        assert load(work_dir)["meta"]["epoch"] == 1
        assert sorted(path.name for path in work_dir.glob("*.pth")) == ["best.pth", "last.pth"]
        assert (work_dir / f"earlier_{number}" / "best.pth").is_file()
    assert (work_dir / "earlier_1" / "best.pth").read_bytes() == before
    assert torch.load(work_dir / "earlier_1" / "last.pth", weights_only=True)["meta"]["epoch"] == 2


def test_a_run_may_start_from_weights_that_lie_in_its_own_work_dir(trained, tmp_path, make_runner):
    work_dir = tmp_path / "run"
    shutil.copytree(trained / "broken", work_dir)
    weights = torch.load(work_dir / "best.pth", weights_only=True)["state_dict"]
    runner = make_runner(toy_config(work_dir, epochs=1, load_from=str(work_dir / "best.pth")))
    runner.load_or_resume()
    assert all(torch.equal(value, weights[name]) for name, value in runner.model.state_dict().items())
    make_runner(toy_config(work_dir, epochs=1, load_from=str(work_dir / "best.pth"))).train()
    assert (work_dir / "earlier_1" / "best.pth").is_file()


@pytest.mark.parametrize("resume", ["misspelt.pth", "other"])
def test_a_run_that_cannot_begin_moves_nothing(trained, tmp_path, make_runner, resume):
    work_dir = tmp_path / "run"
    shutil.copytree(trained / "broken", work_dir)
    cfg = toy_config(work_dir, epochs=1, resume=str(tmp_path / resume))
    if resume == "other":
        # Whole, but of a run with more epochs.
        cfg.resume = str(trained / "unbroken" / "last.pth")
    before = sorted(path.name for path in work_dir.glob("*.pth"))
    with pytest.raises(UserError, match=r"does not exist|comes from another run"):
        make_runner(cfg).train()
    assert sorted(path.name for path in work_dir.glob("*.pth")) == before


def test_leftovers_of_a_killed_save_are_removed_at_the_next_start(tmp_path, make_runner):
    left = [tmp_path / ".last.pth.0123456789abcdef.partial", tmp_path / ".previous.pth.partial"]
    other = tmp_path / ".metrics.csv.0123456789abcdef.partial"
    for path in (*left, other):
        path.write_bytes(b"half")
    make_runner(toy_config(tmp_path, epochs=1)).train()
    assert not any(path.exists() for path in left)
    assert other.exists()


def test_keeping_the_previous_one_works_without_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no hard links here")

    for links in (True, False):
        (tmp_path / "last.pth").unlink(missing_ok=True)
        (tmp_path / "last.pth").write_text(f"{links}")
        if not links:
            monkeypatch.setattr(os, "link", refuse)
        keep_previous(tmp_path)
        assert (tmp_path / "previous.pth").read_text() == f"{links}"
        assert (tmp_path / "last.pth").exists() == links
        assert len(list(tmp_path.iterdir())) == 1 + links


def test_an_empty_work_dir_has_nothing_to_set_aside(tmp_path):
    assert set_aside(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
