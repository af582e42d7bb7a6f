"""From a protocol to the steps of a call: what its tests need, each step after those whose results it reads."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from fnmatch import fnmatch
from pathlib import Path

from ultraref.atomic import write_json
from ultraref.errors import UserError
from ultraref.json_file import read_json
from ultraref.protocol.definition import Protocol
from ultraref.protocol.file_hashes import FileHashes
from ultraref.protocol.step import Plan, Step, in_order

PLAN_NAME = "plan.json"


def plan_of(protocol: Protocol, kinds: Sequence[str] | None, hashes: FileHashes) -> Plan:
    """Returns the plan of a call: the one of the last call if all that it was derived from is as it was, else a new one.

    Args:
        protocol: the protocol, with the sets and folds that are asked for.
        kinds: of steps, to do those alone; None for all.
        hashes: of files.

    Raises:
        UserError: a recipe can't be read, there is no such kind of step, or something is missing that no step makes.
    """
    path = Path(protocol.work_dir) / PLAN_NAME
    asked = json.loads(json.dumps([asdict(protocol), kinds, _environment(), os.getcwd()]))
    code = hashes.of_code()
    if path.is_file():
        known = read_json(path, "plan of a protocol", hint="remove it")
        files = {file: hashes.of(file) for file in known["files"]}
        if (known["asked"], known["files"], known["plan"]["code"]) == (asked, files, code):
            return Plan.from_dict(known["plan"])
    plan = replace(derive_plan(protocol, kinds), code=code)
    files = {file: hashes.of(file) for file in plan.files}
    write_json(path, {"asked": asked, "files": files, "plan": plan.to_dict()}, indent=None)
    return plan


def derive_plan(protocol: Protocol, kinds: Sequence[str] | None = None) -> Plan:
    """Derives a plan: see `plan_of`."""
    # They import torch and all components.
    from ultraref.engine.inputs import MissingInputsError
    from ultraref.protocol.candidates import Recipes
    from ultraref.protocol.kinds import KINDS

    unknown = [kind for kind in kinds or () if kind not in KINDS]
    if unknown:
        raise UserError(f"--steps {' '.join(unknown)}: there are {', '.join(KINDS)}")
    recipes = Recipes(protocol)
    possible = [step for kind in KINDS.values() for step in kind.candidates(recipes)]
    makers = {os.path.normpath(step.result): step for step in possible}
    linked = {step.name: _linked(step, makers) for step in possible}
    wanted = {step.name for step in possible if KINDS[step.kind].is_wanted}
    needed: set[str] = set()
    while wanted:
        needed |= wanted
        wanted = {name for step in wanted for name in linked[step].after} - needed
    steps = [linked[step.name] for step in possible if step.name in needed and (kinds is None or step.kind in kinds)]
    missing = _missing(recipes, steps, makers)
    if missing:
        raise MissingInputsError(missing)
    steps = in_order(steps)
    return Plan(_with_threads(steps, protocol.jobs), protocol.work_dir, _files(recipes, steps))


def _linked(step: Step, makers: dict[str, Step]) -> Step:
    """A step with the names of those that make its inputs; a pattern of files becomes the files that will be made."""
    inputs: list[str] = []
    after: list[str] = []
    for path in step.inputs:
        plain = os.path.normpath(path)
        found = [result for result in makers if result == plain or ("*" in plain and fnmatch(result, plain))]
        inputs += found if "*" in plain and found else [path]
        after += [makers[result].name for result in found]
    return replace(step, inputs=inputs, after=list(dict.fromkeys(after)))


def _missing(recipes, steps: Sequence[Step], makers: dict[str, Step]) -> list:
    """What steps read, that isn't there and that no step makes."""
    from mmengine.config import Config

    from ultraref.engine.inputs import find_inputs, is_there, missing_input

    missing = {}
    for step in steps:
        arguments = step.arguments
        if "recipe" not in arguments:
            continue
        cfg = recipes.load(arguments["recipe"], arguments["set"], arguments["fold"])
        reads = cfg if step.kind != "test" else Config({"test_dataloader": cfg.test_dataloader})
        for found in find_inputs(reads):
            is_made = any(fnmatch(result, os.path.normpath(found.path)) for result in makers)
            if not is_made and not is_there(found.path):
                missing.setdefault(found.path, missing_input(cfg, found))
    return list(missing.values())


def _with_threads(steps: Sequence[Step], jobs: int) -> list[Step]:
    """Steps with their share of the cores. It follows from the plan, not from what happens to run, so that a call that is
    interrupted and made again computes the same numbers."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    beside = {step.kind: min(jobs, sum(other.kind == step.kind for other in steps)) for step in steps}
    return [
        replace(step, threads=max(1, cores // beside[step.kind]) if beside[step.kind] > 1 else None) for step in steps
    ]


def _files(recipes, steps: Sequence[Step]) -> list[str]:
    """What the plan follows from: the protocol, the recipes with all that they inherit, the splits, and plugins."""
    from ultraref.engine.recipe import bases_of, parameters_of, reading_with

    found: dict[str, None] = {}

    def add(path: Path) -> None:
        if str(path) not in found:
            found[str(path)] = None
            for base in bases_of(path):
                add(base)

    add(Path(recipes.protocol.path))
    for _, _, _, cfg in recipes.all_of(recipes.protocol.recipes, list(recipes.protocol.folds)[:1]):
        with reading_with(cfg.filename, *parameters_of(cfg)):
            add(Path(cfg.filename).resolve())
    for step in steps:
        found.update(dict.fromkeys(path for path in step.inputs if path.endswith((".py", "splits.json"))))
    return list(found)


def _environment() -> dict[str, str]:
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("ULTRAREF_")}
