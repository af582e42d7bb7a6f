"""What the steps of each kind do. Each runs in a process of its own, whose output goes to the step's log."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ultraref.atomic import write_json
from ultraref.errors import UserError
from ultraref.protocol.fingerprint import Fingerprints, read_stamp
from ultraref.protocol.step import Plan, Step

# In a run's work directory: what a training that has begun depends on.
BEGUN = "begun.json"
REPLACED = "replaced"


@dataclass(frozen=True)
class Work:
    """What a running step knows beside itself.

    Attributes:
        plan: all steps.
        parts: what the step depends on, by `Fingerprints.parts`.
        fingerprints: compares them.
    """

    plan: Plan
    parts: Mapping
    fingerprints: Fingerprints


def get_weights(step: Step, work: Work) -> None:
    """Fetches published weights."""
    from ultraref.apis.get_weights import get_weights

    get_weights(step.arguments["name"])


def convert(step: Step, work: Work) -> None:
    """Converts raw images, and draws them first where they are made up, by the command that a user would run."""
    arguments = step.arguments
    if arguments["phantoms"]:
        options = [
            word
            for name, value in arguments["phantoms"].items()
            for word in (f"--{name.replace('_', '-')}", str(value))
        ]
        # Also where it was begun before: each image depends on the seed and its number alone, so nothing is lost.
        _command("phantoms", arguments["source"], *options)
    _command("convert", arguments["converter"], arguments["source"], arguments["destination"], *arguments["options"])


def train(step: Step, work: Work) -> None:
    """Trains; an interrupted training of the same config, code and inputs goes on."""
    from ultraref.apis.train import train

    cfg = _load(step)
    resume = _clear_the_way(step, work)
    if step.gpus <= 1:
        train(cfg, resume=resume)
        return
    arguments = step.arguments
    _module(
        *("torch.distributed.run", "--standalone", f"--nproc-per-node={step.gpus}", "-m", "ultraref", "train"),
        *(cfg.filename, "--set", str(arguments["set"]), "--fold", str(arguments["fold"])),
        *("--launcher", "pytorch", *(["--resume"] if resume else [])),
    )


def predict(step: Step, work: Work) -> None:
    """Stores coarse predictions."""
    from ultraref.apis.predict_coarse import predict_coarse

    predict_coarse(_load(step), step.arguments["checkpoint"], step.arguments["split"])


def test(step: Step, work: Work) -> None:
    """Tests a checkpoint."""
    from ultraref.apis.test import test

    test(_load(step), step.arguments["checkpoint"], show_dir=step.arguments["show_dir"])


def summarize(step: Step, work: Work) -> None:
    """Gathers the tests: summary.json, and summary.txt for people."""
    from ultraref.protocol.summary import write_summary

    write_summary(step, work.plan)


def report(step: Step, work: Work) -> None:
    """Writes the page about all tests."""
    from ultraref.protocol.report import write_protocol_report

    write_protocol_report(step, work.plan)


def _load(step: Step):
    """The step's config, which must still be that of the plan."""
    from ultraref.apis.config import load_config
    from ultraref.protocol.candidates import settings

    arguments = step.arguments
    cfg = load_config(arguments["recipe"], set=arguments["set"], fold=arguments["fold"])
    now = settings(cfg, step.kind)
    changed = [key for key, value in now.items() if step.settings.get(key) != value]
    if changed:
        raise UserError(
            f"{arguments['recipe']} was changed while the protocol ran ({changed[0]}); start the protocol again"
        )
    return cfg


def _clear_the_way(step: Step, work: Work) -> bool:
    """Whether an interrupted training can go on. If not, moves checkpoints out of the way of a new one.

    Those that no protocol left are somebody's own, and are kept in a folder beside the new ones.
    """
    folder = Path(step.arguments["work_dir"])
    begun, stamp = read_stamp(folder / BEGUN), read_stamp(step.stamp)
    if stamp is None and begun is not None and work.fingerprints.difference(begun["parts"], step) is None:
        return True
    finished = stamp is not None and work.fingerprints.hashes.of(step.result) == stamp["result"]
    is_own = finished or (folder / BEGUN).is_file()
    for stale in sorted(folder.glob("*.pth")):
        if is_own:
            stale.unlink()
        else:
            (folder / REPLACED).mkdir(exist_ok=True)
            stale.rename(folder / REPLACED / stale.name)
            print(f"{stale} was made outside of this protocol; it is now {folder / REPLACED / stale.name}")
    Path(step.stamp).unlink(missing_ok=True)
    write_json(folder / BEGUN, {"parts": work.parts}, indent=None)
    return False


def _command(*words: str) -> None:
    """Runs a sub-command of `ultraref`."""
    _module("ultraref", *words)


def _module(name: str, *words: str) -> None:
    """Runs a Python module, whose output goes where this process's goes.

    Raises:
        UserError: it failed.
    """
    sys.stdout.flush()
    status = subprocess.run([sys.executable, "-m", name, *words]).returncode
    if status:
        raise UserError(f"{name} {' '.join(words)} ended with status {status}; what it said is above")
