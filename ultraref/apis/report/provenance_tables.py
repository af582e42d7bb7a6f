"""Where numbers come from: data, splits, checkpoints, versions, and what weights have seen."""

import json
from collections.abc import Mapping, Sequence

from ultraref.apis.report.plain_config import section
from ultraref.apis.report.study import TestedRun
from ultraref.apis.report.tables import ReportTable
from ultraref.models.weights import describe_seen
from ultraref.version import __version__

_UNKNOWN = "not known"
# Keys of the config that say most of a model.
_MODEL = {
    "Model": ("model", "type"),
    "Coarse source": ("model", "coarse_source", "type"),
    "Coarse encoder": ("model", "coarse_source", "network", "encoder", "type"),
    "Image encoder of SAM": ("model", "refiner", "sam", "image_encoder", "type"),
    "Region of interest": ("model", "refiner", "roi", "type"),
}


def data_table(runs: Sequence[TestedRun]) -> ReportTable:
    """Returns the sets that the runs were tested on, the kind of their split, and its hash."""
    users: dict[tuple[str, ...], list[str]] = {}
    for run in runs:
        hashes = run.run.measured.get("splits") or {}
        for name in sorted({str(row["dataset"]) for row in run.run.rows}):
            images = sum(str(row["dataset"]) == name for row in run.run.rows)
            cells = (_split(run, name, hashes.get(name)), str(images), hashes.get(name) or _UNKNOWN)
            users.setdefault((name or _UNKNOWN, *cells), []).append(run.name)
    rows = [[key[0], _names(names, runs), *key[1:]] for key, names in users.items()]
    note = "The hash is that of splits.json: of all that the split says and of the pixels of all images and masks."
    head = ["Set", "Runs", "Split", "Test images", "Hash of split and data"]
    return ReportTable("data", "Test data", head, rows, [note], num_words=3)


def model_table(runs: Sequence[TestedRun]) -> ReportTable:
    """Returns the checkpoint of each run and the images that it was trained on."""
    rows = []
    for run in runs:
        facts = run.facts
        fold, seed = facts.config.get("fold", _UNKNOWN), section(facts.config, "randomness").get("seed", _UNKNOWN)
        count, digest = facts.trained_on or (_UNKNOWN, _UNKNOWN)
        fold = "none" if fold is None else fold
        rows.append([run.name, facts.checkpoint or _UNKNOWN, str(fold), str(seed), str(count), digest])
    head = ["Run", "Checkpoint", "Fold held out", "Seed", "Training images", "Hash of the training images"]
    return ReportTable("models", "Checkpoints", head, rows, (), num_words=2)


def seen_by_runs(runs: Sequence[TestedRun]) -> dict[str, list[str]]:
    """Returns what published weights have seen of the test sets, a line for each set and file, by the runs that have them."""
    users: dict[tuple[str, ...], list[str]] = {}
    for run in runs:
        try:
            lines = tuple(describe_seen(run.metrics["weights_seen"]))
        except (KeyError, TypeError, AttributeError):
            lines = ("Not recorded by the test.",)
        users.setdefault(lines, []).append(run.name)
    return {_names(names, runs): list(lines) for lines, names in users.items()}


def _names(names: Sequence[str], runs: Sequence[TestedRun]) -> str:
    return "all runs" if len(names) == len(runs) > 1 else ", ".join(names)


def configuration(run: TestedRun) -> dict[str, str]:
    """Returns what a run's config comes to, by name; what it doesn't say is left out."""
    config, found = run.facts.config, {}
    for label, (*keys, last) in _MODEL.items():
        value = section(config, *keys).get(last)
        if isinstance(value, str):
            found[label] = value
    prompts = section(config, "model", "refiner").get("prompts")
    # A list, or by name.
    prompts = list(prompts.values()) if isinstance(prompts, Mapping) else prompts
    if isinstance(prompts, list):
        types = [str(prompt["type"]) for prompt in prompts if isinstance(prompt, Mapping) and "type" in prompt]
        found["Prompts"] = ", ".join(types)
    gate = section(config, "model", "gate")
    if gate:
        options = ", ".join(f"{key} {json.dumps(value, default=str)}" for key, value in gate.items() if key != "type")
        found["Gate"] = f"{gate.get('type')}{f' ({options})' if options else ''}"
    return {name: value for name, value in found.items() if value}


def versions(run: TestedRun) -> dict[str, str]:
    """Returns versions and device of the test as its log names them, the time of the checkpoint, and what wrote this report."""
    found = {f"{name}, of the test": value for name, value in run.facts.environment.items()}
    for key, label in (("time", "Checkpoint saved at"), ("epoch", "Checkpoint of epoch")):
        if key in run.facts.meta:
            found[label] = str(run.facts.meta[key])
    return {**found, "This report by": f"ultraref {__version__}"}


def _split(run: TestedRun, name: str, digest: str | None) -> str:
    splits = run.facts.splits.get(name)
    if splits is None:
        grouped = section(run.facts.meta, "dataset_meta").get("grouped")
        kinds = {True: "patients or near-duplicates kept together", False: "plain, by image"}
        return kinds.get(grouped, _UNKNOWN) if isinstance(grouped, bool) else _UNKNOWN
    if digest is not None and splits.hash != digest:
        return "splits.json was changed since the test"
    kind = f"kept together: {splits.grouping}" if splits.grouped else "plain, by image"
    return f"{kind}; {splits.num_folds} folds, seed {splits.seed}"
