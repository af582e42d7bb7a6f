"""Protocols of toy models, run for real: what a call leaves, what a second one does, failures, interruptions."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ultraref.cli.main import main
from ultraref.datasets.converters import convert, find_busi

ROOT = Path(__file__).parents[2]
# Phase 1 and one variant behind a gate that takes no phase 2, of one epoch each.
SMALL = {"phase1": 1, "gated": 1}
NO_PHASE2 = "\nmodel['refiner']['checkpoint'] = None\n"


def summary_of(protocol) -> dict:
    content = json.loads((Path(protocol.work_dir) / "summary.json").read_text())
    # Times differ.
    del content["seconds"]
    return content


@pytest.fixture
def small(tmp_path, phantom_root, protocol_tools):
    """A protocol of three steps, a summary and a report: train a coarse network, train and test a refiner."""
    built = protocol_tools.write(tmp_path, {"phantoms": phantom_root}, SMALL)
    with open(built.phase3[0], "a") as file:
        file.write(NO_PHASE2)
    return built


def test_a_second_call_does_nothing_and_says_so(cascade, protocol_tools):
    best = [path for path in Path(cascade.work_dir).rglob("*") if path.suffix in (".pth", ".json", ".csv")]
    before = {path: path.stat().st_mtime_ns for path in best if path.name != "file_hashes.json"}
    begun = time.monotonic()
    status, printed = protocol_tools.run(cascade.protocol)
    assert time.monotonic() - begun < 5
    assert status == 0
    assert "19 of them finished before and kept" in printed
    assert "starts" not in printed
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "phantoms_ultrarefiner_fold0: 8 test images" in printed


def test_output_in_a_log_file_is_short_and_names_what_is_there(cascade):
    printed = (Path(cascade.work_dir).parent / "printed.txt").read_text()
    lines = printed.splitlines()
    assert len(lines) <= 120
    steps = json.loads((Path(cascade.work_dir) / "plan.json").read_text())["plan"]["steps"]
    for step in steps:
        assert sum(line.startswith(f"{step['name']}: ") for line in lines if " fold" not in line) >= 2, step["name"]
        assert (Path(cascade.work_dir) / "logs" / f"{step['name']}.log").is_file()


def test_it_ends_in_a_report_which_a_command_writes_again(cascade, tmp_path):
    work_dir = Path(cascade.work_dir)
    page = (work_dir / "report.html").read_text()
    assert f"Report: {work_dir}/report.html." in (work_dir.parent / "printed.txt").read_text()
    for name in ("phase2", "ultrarefiner", "gated"):
        assert f"phantoms_{name}_fold0" in (work_dir / "report_tables/headline.csv").read_text()
    # Curves of what was tested, and of the five coarse networks.
    training = page[page.index('id="training"') : page.index('id="costs"')]
    assert training.count("<svg") == 8
    assert page.count("data:image/jpeg") > 3
    costs = (work_dir / "report_tables/costs.csv").read_text().splitlines()
    assert costs[0] == "Run,Parts,Parameters,Test (ms an image),Training (s)"
    assert all(line.split(",")[-1] for line in costs[1:])
    assert main(["report", str(work_dir), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again/report.html").read_text() == page


def test_seconds_are_those_of_each_step(cascade):
    content = json.loads((Path(cascade.work_dir) / "summary.json").read_text())
    assert content["seconds"]["train_phantoms_phase1_fold0"] > 0
    assert len(content["seconds"]) == 17


def test_a_failure_shows_the_end_of_the_log_and_a_second_call_goes_on(small, tmp_path, protocol_tools):
    recipe = Path(small.phase3[0])
    good = recipe.read_text()
    recipe.write_text(good + "\ndefault_hooks = dict(checkpoint=dict(save_best='val_refined/dise'))\n")
    status, printed = protocol_tools.run(small.protocol)
    assert status == 1
    assert "train_phantoms_gated_fold0: failed after" in printed
    assert "save_best is 'val_refined/dise', but validation gave" in printed
    assert f"The whole log: {small.work_dir}/logs/train_phantoms_gated_fold0.log" in printed
    assert not (Path(small.work_dir) / "summary.json").exists()

    recipe.write_text(good)
    status, printed = protocol_tools.run(small.protocol)
    assert status == 0, printed
    assert "5 steps, 1 of them finished before and kept" in printed
    assert "train_phantoms_phase1_fold0" not in printed

    # What changed is said, and only what depends on it runs again.
    recipe.write_text(good.replace("max_epochs=1", "max_epochs=2"))
    status, printed = protocol_tools.run(small.protocol, dry_run=True)
    assert status == 0
    assert "train_phantoms_gated_fold0: config changed: train_cfg.max_epochs 1 -> 2" in printed
    assert "test_phantoms_gated_fold0: after train_phantoms_gated_fold0" in printed
    assert "train_phantoms_phase1_fold0" not in printed


def command(small) -> list[str]:
    return [sys.executable, "-m", "ultraref", "protocol", small.protocol]


def start(small, **options) -> subprocess.Popen:
    environment = dict(os.environ, OMP_NUM_THREADS="1", PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1")
    return subprocess.Popen(
        command(small),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def processes_of(folder: Path) -> list[int]:
    """Processes that have a log of a protocol open."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                links = [os.readlink(fd) for fd in (entry / "fd").iterdir()]
            except OSError:
                continue
            if any(link.startswith(str(folder)) and "/logs/" in link for link in links):
                found.append(int(entry.name))
    return found


def wait_until(condition, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


needs_proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")


@needs_proc
def test_a_signal_stops_all_steps(small, tmp_path, protocol_tools):
    begun = []

    def interrupt() -> None:
        wait_until(lambda: processes_of(tmp_path), 60)
        begun.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=interrupt).start()
    status, printed = protocol_tools.run(small.protocol)
    assert time.monotonic() - begun[0] < 5
    assert status == 128 + signal.SIGTERM
    assert "train_phantoms_phase1_fold0: stopped after" in printed
    assert not processes_of(tmp_path)


@needs_proc
@pytest.mark.slow
def test_no_step_outlives_a_killed_runner(small, tmp_path):
    runner = start(small)
    assert wait_until(lambda: processes_of(tmp_path), 120)
    runner.kill()
    runner.wait(5)
    assert wait_until(lambda: not processes_of(tmp_path), 5)


@pytest.mark.slow
def test_killed_at_ten_random_moments_it_ends_in_the_same_summary(tmp_path, phantom_root, protocol_tools):
    epochs = {"phase1": 2, "phase2": 2, "ultrarefiner": 3, "gated": 2}
    unbroken, broken = (
        protocol_tools.write(tmp_path / name, {"phantoms": phantom_root}, epochs, jobs=2) for name in ("a", "b")
    )
    status, printed = protocol_tools.run(unbroken.protocol)
    assert status == 0, printed
    draw = random.Random(0)
    for _ in range(10):
        runner = start(broken, start_new_session=True)
        time.sleep(draw.uniform(4, 16))
        runner.send_signal(draw.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        runner.wait(10)
        assert wait_until(lambda: not processes_of(tmp_path / "b"), 5)
    status, printed = protocol_tools.run(broken.protocol)
    assert status == 0, printed
    assert summary_of(broken) == summary_of(unbroken)


@pytest.fixture
def two_sets(tmp_path, raw_phantoms, protocol_tools):
    """Writes a protocol of two sets of two folds, and three variants."""
    roots = {name: tmp_path / "data" / name for name in ("phantoms", "busi")}
    for name, root in roots.items():
        convert(find_busi(raw_phantoms), root, dataset=name, num_folds=2)

    def write(name):
        epochs = {"phase1": 1, "phase2": 1, "ultrarefiner": 1, "gated": 1, "gated2": 2}
        return protocol_tools.write(tmp_path / name, roots, epochs, folds=[0, 1], num_folds=2)

    return write


@pytest.mark.slow
def test_two_sets_two_folds_three_variants_side_by_side_and_as_jobs(two_sets, protocol_tools):
    pytest.importorskip("submitit")
    processes, jobs = two_sets("processes"), two_sets("jobs")
    status, printed = protocol_tools.run(processes.protocol, jobs=2)
    assert status == 0, printed
    # 2 sets of 2 folds: a coarse network, two predictions, phase 2, three variants, four tests.
    assert "protocol protocol: 46 steps" in printed
    assert len(printed.splitlines()) <= 120
    status, printed = protocol_tools.run(jobs.protocol, jobs=2, launcher="local")
    assert status == 0, printed
    first, second = summary_of(processes), summary_of(jobs)
    assert len(first["models"]) == 16
    assert second == first


def test_made_up_images_are_drawn_and_converted_and_a_conversion_is_kept(tmp_path, protocol_tools):
    root, raw = tmp_path / "data", tmp_path / "raw"
    entry = dict(source=str(raw), converter="busi", phantoms=dict(num=10, seed=0, max_side=64))
    built = protocol_tools.write(tmp_path, {"phantoms": root}, SMALL, sets={"phantoms": entry})
    status, printed = protocol_tools.run(built.protocol, steps=["convert"])
    assert status == 0, printed
    splits = json.loads((root / "splits.json").read_text())
    assert splits["dataset"] == "phantoms"
    assert len(splits["images"]) == 9
    _, printed = protocol_tools.run(built.protocol, steps=["convert"])
    assert "1 steps, 1 of them finished before and kept" in printed
    protocol = Path(built.protocol)
    protocol.write_text(protocol.read_text().replace("'num': 10", "'num': 12"))
    _, printed = protocol_tools.run(built.protocol, steps=["convert"], dry_run=True)
    assert "config changed: phantoms.num 10 -> 12" in printed
    # One that no protocol made is the user's own.
    (root / "finished.json").unlink()
    _, printed = protocol_tools.run(built.protocol, steps=["convert"], dry_run=True)
    assert printed.splitlines() == ["1 steps, 1 of them are finished"]


@pytest.mark.slow
def test_a_step_of_two_devices_trains_with_two_processes(small, protocol_tools):
    """On this machine without GPUs, if it has none."""
    protocol = Path(small.protocol)
    protocol.write_text(protocol.read_text() + "resources = dict(phase1=dict(gpus=2))\n")
    status, printed = protocol_tools.run(small.protocol)
    assert status == 0, printed
    log = Path(small.work_dir) / "logs/train_phantoms_phase1_fold0.log"
    assert "GPU number: 2" in log.read_text()
