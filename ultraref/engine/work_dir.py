"""The checkpoints in a run's work dir: their names, which one a run goes on from, and what is in the way of a new run."""

import logging
import os
from itertools import count
from pathlib import Path

from mmengine.logging import print_log

from ultraref.checkpoint import load_checkpoint_file
from ultraref.errors import UserError

LAST_CHECKPOINT = "last.pth"
PREVIOUS_CHECKPOINT = "previous.pth"
BEST_CHECKPOINT = "best.pth"
_OURS = (LAST_CHECKPOINT, PREVIOUS_CHECKPOINT, BEST_CHECKPOINT, "last_checkpoint")


def checkpoint_to_resume(work_dir: str | Path, resume: bool | str = True) -> Path | None:
    """Returns the checkpoint that a run resumes from; None if it starts from the beginning.

    Args:
        work_dir: the run's work dir.
        resume: False, True for the last checkpoint in the work dir that is whole, if there is one, or the path of a
            checkpoint. That `last.pth` isn't whole, and `previous.pth` is taken, is warned of.

    Raises:
        UserError: there are checkpoints, but none is whole; says of each what is wrong with it.
    """
    if isinstance(resume, (str, Path)):
        return Path(resume).expanduser()
    problems = []
    for name in (LAST_CHECKPOINT, PREVIOUS_CHECKPOINT) if resume else ():
        path = Path(work_dir, name)
        if not os.path.lexists(path):
            continue
        try:
            load_checkpoint_file(path)
        except UserError as error:
            problems.append(str(error))
            continue
        if name == PREVIOUS_CHECKPOINT:
            reason = problems[0] if problems else f"there is no {LAST_CHECKPOINT}"
            print_log(
                f"{reason}. The run goes on from the checkpoint before, {path}.", "current", level=logging.WARNING
            )
        return path
    if problems:
        raise UserError(
            "there is nothing to resume from:\n"
            + "".join(f"- {problem}\n" for problem in problems)
            + f"Without --resume a new run starts, and sets aside what is in {work_dir}"
        )
    return None


def keep_previous(work_dir: str | Path) -> None:
    """Gives the last checkpoint its second name, before another takes the first."""
    last, previous = Path(work_dir, LAST_CHECKPOINT), Path(work_dir, PREVIOUS_CHECKPOINT)
    if not last.is_file() or (previous.exists() and previous.samefile(last)):
        return
    linked = previous.with_name(f".{PREVIOUS_CHECKPOINT}.partial")
    try:
        linked.unlink(missing_ok=True)
        os.link(last, linked)
        os.replace(linked, previous)
    except OSError:
        # File systems without hard links. For a moment there is no last.pth, and previous.pth is what it was.
        os.replace(last, previous)


def set_aside(work_dir: str | Path) -> Path | None:
    """Moves the checkpoints of an earlier run into a folder of their own, WORK_DIR/earlier_1, earlier_2 and so on.

    Returns:
        The folder; None where there were none.
    """
    work_dir = Path(work_dir)
    found = [work_dir / name for name in _OURS if os.path.lexists(work_dir / name)]
    if not found:
        return None
    folder = next(work_dir / f"earlier_{k}" for k in count(1) if not os.path.lexists(work_dir / f"earlier_{k}"))
    folder.mkdir()
    for path in found:
        path.rename(folder / path.name)
    return folder


def set_damaged_aside(work_dir: str | Path) -> None:
    """Moves a `last.pth` that isn't whole out of the way of the next one, to damaged_1.pth, damaged_2.pth and so on."""
    last = Path(work_dir, LAST_CHECKPOINT)
    if os.path.lexists(last):
        last.rename(next(p for k in count(1) if not os.path.lexists(p := last.with_name(f"damaged_{k}.pth"))))


def remove_leftovers(work_dir: str | Path) -> list[str]:
    """Removes what a run left that was killed while it saved a checkpoint, and returns the names.

    To be called by the one run that has the work dir.
    """
    found = [path for path in Path(work_dir).glob(".*.pth.*partial") if path.is_file()]
    for path in found:
        path.unlink()
    return sorted(path.name for path in found)
