"""Runs a protocol: what commands call."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from ultraref.errors import UserError
from ultraref.protocol.definition import narrow, read_protocol, with_sources
from ultraref.protocol.display import Display, plan_lines
from ultraref.protocol.file_hashes import FileHashes
from ultraref.protocol.fingerprint import Fingerprints
from ultraref.protocol.local_launcher import LocalLauncher
from ultraref.protocol.plan import plan_of
from ultraref.protocol.runner import Runner, check_finished
from ultraref.protocol.state import first_states
from ultraref.protocol.step import TEXT_NAME
from ultraref.protocol.worker import HASHES_NAME

LAUNCHERS = ("none", "slurm", "local")


def run_protocol(
    path: str | Path,
    *,
    steps: Sequence[str] | None = None,
    folds: Sequence[int] | None = None,
    sets: Sequence[str] | None = None,
    sources: Mapping[str, str] | None = None,
    dry_run: bool = False,
    jobs: int | None = None,
    launcher: str = "none",
    any_code: bool = False,
    console: Console | None = None,
) -> int:
    """Runs what of a protocol isn't finished.

    Args:
        path: the protocol's config, or the name of a shipped one: "busi".
        steps: kinds of steps, to run those alone.
        folds: to run these alone.
        sets: to run these alone.
        sources: folders of raw images by set, in place of the protocol's.
        dry_run: say what would run, and why; run nothing.
        jobs: how many steps run at a time; by default what the protocol says.
        launcher: "none" runs steps on this machine, "slurm" as jobs of a cluster, "local" through submitit on this machine.
        any_code: what another version of the code finished counts as finished.
        console: where to print; by default the standard output.

    Returns:
        The exit status: 0; 1 after a step that failed, whose log's end is printed; 128 and the number of a signal that ended it.

    Raises:
        UserError: the protocol or an argument is wrong, or something is missing that no step makes.
    """
    if launcher not in LAUNCHERS:
        raise UserError(f"launcher is {launcher!r}; it may be {', '.join(LAUNCHERS)}")
    if jobs is not None and jobs < 1:
        raise UserError(f"--jobs {jobs}: it is the number of steps that run at a time, at least 1")
    protocol = narrow(with_sources(read_protocol(path), sources or {}), sets, folds)
    protocol = replace(protocol, jobs=jobs or protocol.jobs)
    work_dir = protocol.work_dir
    hashes = FileHashes(Path(work_dir) / HASHES_NAME)
    plan = plan_of(protocol, steps, hashes)
    fingerprints = Fingerprints(hashes, plan.code, any_code)
    states = first_states(plan)
    check_finished(states, fingerprints)
    display = Display(states, Path(protocol.path).stem, work_dir, protocol.jobs, console)
    if dry_run:
        display.console.print("\n".join(plan_lines(states)), markup=False)
        return 0
    if launcher == "none":
        started = LocalLauncher(plan, protocol.jobs, any_code)
    else:
        from ultraref.protocol.submitit_launcher import SubmititLauncher

        started = SubmititLauncher(plan, protocol, launcher, any_code)
    try:
        status = Runner(plan, states, fingerprints, started, display).run()
        if status == 0:
            # It follows from files that this call may have made, the splits for one: the next call needn't derive it again.
            plan_of(protocol, steps, hashes)
    finally:
        hashes.save()
    if status == 0 and any(step.kind == "summary" for step in plan.steps):
        display.console.print(_closing(Path(work_dir), any(step.kind == "report" for step in plan.steps)), markup=False)
    return status


def _closing(work_dir: Path, has_report: bool) -> str:
    """What the tests came to, and where everything is."""
    text = (work_dir / TEXT_NAME).read_text(encoding="utf-8")
    report = f" Report: {work_dir}/report.html." if has_report else ""
    return f"\n{text}\nSummary: {work_dir}/summary.json.{report} Overlays: {work_dir}/overlays. Logs: {work_dir}/logs"
