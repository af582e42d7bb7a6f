"""The steps that a protocol could have, by kind; `ultraref.protocol.plan` keeps those that its tests need."""

import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from mmengine.config import Config

from ultraref.apis.config import load_config
from ultraref.engine.config_check import TOP_LEVEL_KEYS
from ultraref.engine.inputs import Input, fetchable_weights, find_inputs
from ultraref.protocol.definition import Protocol
from ultraref.protocol.step import Step

# Keys that say where a run goes, not what it comes to.
_PLACES = {"work_dir", "made_by", "predictions_root", "resume", "launcher", "experiment_name", "log_level"}
_TEST_KEYS = {"test_dataloader", "test_evaluator", "test_cfg"}
_TRAINING_KEYS = {"train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler", "val_evaluator", "val_cfg"}


class Recipes:
    """The configs of a protocol, each read once.

    Args:
        protocol: the protocol.
    """

    def __init__(self, protocol: Protocol):
        self.protocol = protocol
        # A set and a fold may be asked for many times.
        self.load = lru_cache(maxsize=None)(lambda recipe, set, fold: load_config(recipe, set=set, fold=fold))

    def all_of(self, recipes: list[str | None], folds: list[int]) -> Iterator[tuple[str, str, int, Config]]:
        """Yields recipe, set, fold and config."""
        for recipe in filter(None, recipes):
            for name in self.protocol.sets:
                for fold in folds:
                    yield recipe, name, fold, self.load(recipe, name, fold)


def weights(recipes: Recipes) -> Iterator[Step]:
    """Published files that a recipe needs."""
    needed = (
        found.path
        for *_, cfg in recipes.all_of(recipes.protocol.recipes, list(recipes.protocol.folds)[:1])
        for found in find_inputs(cfg)
        if found.kind == "checkpoint"
    )
    for path in dict.fromkeys(needed):
        name = fetchable_weights(path)
        if name is not None:
            yield Step(f"weights_{name}", "weights", "weights", path, arguments={"name": name}, is_kept=True)


def convert(recipes: Recipes) -> Iterator[Step]:
    """The images of a set whose source is given."""
    protocol = recipes.protocol
    for name, entry in protocol.sets.items():
        if not entry.get("source"):
            continue
        cfg = recipes.load(protocol.phase3[0], name, protocol.folds[0])
        root = Path(cfg.test_dataloader.dataset.data_root)
        settings = dict(_flat({key: value for key, value in entry.items() if key != "source"}, ""))
        yield Step(
            f"convert_{cfg.set_name}",
            "convert",
            "convert",
            str(root / "splits.json"),
            str(root / "finished.json"),
            # What is drawn follows from the settings.
            [] if entry.get("phantoms") else [entry["source"]],
            settings,
            {
                "source": entry["source"],
                "destination": str(root),
                "converter": entry.get("converter") or cfg.set_name.replace("_", "-"),
                "options": ["--name", cfg.set_name, *entry.get("options", [])],
                "phantoms": entry.get("phantoms"),
            },
            is_kept=True,
        )


def phase1(recipes: Recipes) -> Iterator[Step]:
    """The coarse networks of all folds, as phase 2 needs the predictions of those that aren't refined as well."""
    for found in recipes.all_of([recipes.protocol.phase1], list(range(recipes.protocol.num_folds))):
        yield _train(recipes, "phase1", *found)


def predict(recipes: Recipes) -> Iterator[Step]:
    """Their predictions of the fold that was held out, and of the test set."""
    for recipe, name, fold, cfg in recipes.all_of([recipes.protocol.phase1], list(range(recipes.protocol.num_folds))):
        for split in ("val", "test"):
            folder = Path(cfg.predictions_root) / f"fold{fold}" / split
            dataset = cfg[f"{split}_dataloader"].dataset
            yield Step(
                f"predict_{_run(cfg)}_{split}",
                "predict",
                _title("predict", recipe),
                str(folder / "manifest.json"),
                str(folder / "finished.json"),
                [_best(cfg), str(Path(dataset.data_root) / "splits.json"), *_plugins(cfg)],
                settings(cfg, "predict"),
                {"recipe": recipe, "set": name, "fold": fold, "split": split, "checkpoint": _best(cfg)},
            )


def phase2(recipes: Recipes) -> Iterator[Step]:
    """SAM on stored predictions and simulated errors."""
    for found in recipes.all_of([recipes.protocol.phase2], list(recipes.protocol.folds)):
        yield _train(recipes, "phase2", *found)


def phase3(recipes: Recipes) -> Iterator[Step]:
    """The variants."""
    for found in recipes.all_of(list(recipes.protocol.phase3), list(recipes.protocol.folds)):
        yield _train(recipes, "phase3", *found)


def test(recipes: Recipes) -> Iterator[Step]:
    """What is tested, on the test set that no fold has seen. The first one of the summary's recipe draws its cases."""
    protocol = recipes.protocol
    first = (protocol.summary, next(iter(protocol.sets)), protocol.folds[0])
    for recipe, name, fold, cfg in recipes.all_of(list(protocol.tested), list(protocol.folds)):
        show_dir = str(Path(protocol.work_dir) / "overlays") if (recipe, name, fold) == first else None
        tested = Config({"load_from": _best(cfg), "test_dataloader": cfg.test_dataloader})
        yield Step(
            f"test_{_run(cfg)}",
            "test",
            _title("test", recipe),
            str(Path(cfg.work_dir) / "metrics.json"),
            str(Path(cfg.work_dir) / "tested.json"),
            [*_paths(find_inputs(tested)), *_plugins(cfg)],
            {**settings(cfg, "test"), "show_dir": str(show_dir)},
            {
                "recipe": recipe,
                "set": name,
                "fold": fold,
                "checkpoint": _best(cfg),
                "show_dir": show_dir,
                "table": str(Path(cfg.work_dir) / "metrics.csv"),
            },
        )


def summary(recipes: Recipes) -> Iterator[Step]:
    """What all tests came to; it reads the stamps of all steps for the time that they took."""
    runs = _tested_runs(recipes)
    main = next(iter(runs))
    folder = Path(recipes.protocol.work_dir)
    yield Step(
        "summary",
        "summary",
        "summary",
        str(folder / "summary.json"),
        str(folder / "summarized.json"),
        _tables(runs),
        {"model": main},
        {"model": main, "tests": {name: step.result for name, step in runs.items()}, "folder": str(folder)},
    )


def report(recipes: Recipes) -> Iterator[Step]:
    """All tests on one page."""
    runs = _tested_runs(recipes)
    folder = Path(recipes.protocol.work_dir)
    title = Path(recipes.protocol.path).stem
    yield Step(
        "report",
        "report",
        "report",
        str(folder / "report.html"),
        str(folder / "reported.json"),
        # It reads the summary for the time that trainings took.
        [*_tables(runs), str(folder / "summary.json")],
        {"title": title},
        {"title": title, "tests": {name: step.result for name, step in runs.items()}, "folder": str(folder)},
    )


def _tested_runs(recipes: Recipes) -> dict[str, Step]:
    """The tests by run, in the order in which they were named, but those of the summary's recipe first."""
    tests = sorted(test(recipes), key=lambda step: step.arguments["recipe"] != recipes.protocol.summary)
    return {step.name.removeprefix("test_"): step for step in tests}


def _tables(runs: dict[str, Step]) -> list[str]:
    return [path for step in runs.values() for path in (step.result, step.arguments["table"])]


def settings(cfg: Config, kind: str) -> dict[str, str]:
    """Returns what a config says that matters to a kind of step, as text by dotted key; an item of a list by its number."""
    left_out = set(_PLACES)
    if kind in ("phase1", "phase2", "phase3"):
        left_out |= _TEST_KEYS
    else:
        left_out |= _TRAINING_KEYS
    if kind == "predict":
        left_out |= {"default_hooks", "custom_hooks", "visualizer", "test_evaluator", "randomness"}
    if kind == "test":
        left_out |= {"val_dataloader"}
    content = {key: value for key, value in cfg.to_dict().items() if key in TOP_LEVEL_KEYS - left_out}
    return dict(_flat(content, ""))


def _flat(node, key: str) -> Iterator[tuple[str, str]]:
    """Yields the dotted keys of all values, the items of lists by their number."""
    if isinstance(node, dict) and node:
        items = node.items()
    elif isinstance(node, (list, tuple)) and any(isinstance(item, (dict, list, tuple)) for item in node):
        items = enumerate(node)
    else:
        yield key, repr(node)
        return
    for name, value in items:
        yield from _flat(value, f"{key}.{name}" if key else str(name))


def _train(recipes: Recipes, kind: str, recipe: str, name: str, fold: int, cfg: Config) -> Step:
    return Step(
        f"train_{_run(cfg)}",
        kind,
        _title(kind, recipe),
        _best(cfg),
        str(Path(cfg.work_dir) / "finished.json"),
        [*_paths(find_inputs(cfg)), *_plugins(cfg)],
        settings(cfg, kind),
        {"recipe": recipe, "set": name, "fold": fold, "work_dir": cfg.work_dir},
        epochs=cfg.train_cfg.get("max_epochs"),
        gpus=recipes.protocol.resources_of(kind).get("gpus", 0),
    )


def _run(cfg: Config) -> str:
    """What a run is called: the last part of its work directory."""
    return Path(cfg.work_dir).name


def _title(kind: str, recipe: str) -> str:
    stem = Path(recipe).stem
    return kind if stem == kind else f"{kind} {stem}"


def _best(cfg: Config) -> str:
    return str(Path(cfg.work_dir) / "best.pth")


def _paths(inputs: list[Input]) -> list[str]:
    return [found.path for found in inputs]


def _plugins(cfg: Config) -> list[str]:
    """The files of modules outside the package that a config imports."""
    imports = (cfg.get("custom_imports") or {}).get("imports", [])
    files = [
        getattr(sys.modules.get(name), "__file__", None)
        for name in ([imports] if isinstance(imports, str) else imports)
    ]
    return [file for file in files if file]
