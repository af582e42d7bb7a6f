"""Tests on converted sets that a recipe doesn't name."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.config import Config

from ultraref.apis.stored_network import find_network
from ultraref.datasets.concat import ConcatLesionDataset
from ultraref.datasets.splits import Splits
from ultraref.errors import UserError

PARTS = ("test", "val", "all")
_STORED = "LoadCoarsePrediction"


def roots_of(words: Sequence[str]) -> list[str]:
    """Returns the data roots of a command line: a word is one where a folder of that name is there, else it is parted at its commas."""
    roots = []
    for word in words:
        roots += [word] if os.path.isdir(word) else [part for part in word.split(",") if part]
    return roots


def folder_name(roots: Sequence[str], part: str = "test") -> str:
    """Returns what the folder for the results on some sets is called: "on_busbra_udiat_all"."""
    names = "_".join(Splits.read(root).dataset for root in roots)
    return f"on_{names}" + ("" if part == "test" else f"_{part}")


def use_sets(cfg: Config, roots: Sequence[str], part: str = "test", coarse: str | None = None) -> None:
    """Puts converted sets in the place of those that a recipe tests on.

    Their images go through the recipe's own pipeline, normals among them. Where that reads stored coarse predictions, they stay for
    the recipe's own sets alone; of others, and of images that none are stored of, the network that made those predictions runs in the same pass.

    Args:
        cfg: changed in place; the initial weights of its model are out already where a checkpoint of the whole is tested.
        roots: the sets.
        part: "test"; "val", the fold that the recipe holds out; or "all".
        coarse: checkpoint of the coarse network, see `find_network`.

    Raises:
        FileNotFoundError: a root holds no converted set, or the coarse network is missing.
        UserError: two sets have one name, the recipe's test data are no converted set, or the coarse network differs.
    """
    if part not in PARTS:
        raise UserError(f"part is {part!r}; it must be one of {', '.join(PARTS)}")
    if not roots:
        raise UserError("no data root was given")
    _check_names(roots)
    items = list(_items(cfg.test_dataloader.dataset))
    fold = items[0].get("fold")
    pipeline = items[0]["pipeline"]
    own = {_resolved(item["data_root"]): item for item in items}
    datasets = [
        dict(type="LesionDataset", data_root=root, split=part, fold=fold if part == "val" else None, normals=True)
        for root in roots
    ]
    for dataset in datasets:
        exclude = own.get(_resolved(dataset["data_root"]), {}).get("exclude")
        if exclude is not None:
            dataset["exclude"] = exclude
    if any(step["type"] == _STORED for step in pipeline):
        if part != "all" and all(_resolved(root) in own for root in roots) and coarse is None:
            for dataset in datasets:
                item = own[_resolved(dataset["data_root"])]
                dataset.update(fold=item.get("fold"), predictions=item.get("predictions"))
        else:
            stores = list(dict.fromkeys(item["predictions"] for item in items if item.get("predictions")))
            if not stores:
                raise UserError(
                    f"{cfg.filename}: its test data name no stored predictions, so that their network is not known"
                )
            pipeline = _run_network(cfg, pipeline, stores, fold, coarse)
    elif coarse is not None:
        raise UserError(f"--coarse {coarse} would do nothing: {cfg.filename} reads no stored predictions")
    for dataset in datasets:
        dataset["pipeline"] = pipeline
    cfg.test_dataloader.dataset = (
        datasets[0] if len(datasets) == 1 else dict(type="ConcatLesionDataset", datasets=datasets)
    )


def skip_missing(dataset: dict) -> None:
    """Has the data sets of a config leave out, and count, images that aren't there."""
    for part in dataset.get("datasets", ()):
        skip_missing(part)
    if dataset.get("type", "LesionDataset") == "LesionDataset":
        dataset["missing"] = "skip"
    elif dataset["type"] == "CocoLesionDataset":
        dataset["problems"] = "skip"


def take_normals(dataset: dict) -> None:
    """Has the data sets of a config take all images without a lesion, where it doesn't say which."""
    for part in dataset.get("datasets", ()):
        take_normals(part)
    if dataset.get("type", "LesionDataset") == "LesionDataset":
        dataset.setdefault("normals", True)


def left_out_of(dataset) -> dict[str, list[str]]:
    """Returns the images that a data set left out as they aren't there or are defective, by the set's name; sets without any are left
    out."""
    found: dict[str, list[str]] = {}
    for part in getattr(dataset, "datasets", [dataset]):
        names = list(getattr(part, "missing", ()))
        names += [problem.image for problem in getattr(part, "problems", ()) if problem.drops_image and problem.image]
        if names:
            found.setdefault(part.dataset_name, []).extend(sorted(set(names)))
    return found


def _run_network(cfg: Config, pipeline: Sequence, stores: Sequence[str], fold: int | None, coarse: str | None) -> list:
    """Puts the coarse network into the model, and its image into the pipeline, which is returned."""
    found = find_network(stores, fold, coarse)
    source = cfg.model.get("coarse_source", {})
    if source.get("type") != "FromSample":
        raise UserError(
            f"{cfg.filename}: its pipeline reads stored predictions, but its coarse source is {source.get('type')}"
        )
    cfg.model.coarse_source = dict(
        type="FromNetwork", network=dict(found.network), checkpoint=None, own_checkpoint=found.checkpoint
    )
    for key in ("coarse_mean", "coarse_std"):
        if key in found.preprocessor:
            cfg.model.data_preprocessor[key] = found.preprocessor[key]
    changed = []
    for step in pipeline:
        step = dict(step)
        if step["type"] == _STORED:
            continue
        if step["type"] == "ResizeToModels":
            step["inputs"] = tuple(dict.fromkeys(("coarse", *step.get("inputs", ("sam",)))))
        changed.append(step)
    return changed


def _items(dataset: dict) -> Iterator[dict]:
    """Yields the converted sets of a recipe's test data, each with all of its arguments."""
    if "datasets" in dataset:
        shared = {key: value for key, value in dataset.items() if key not in ("type", "datasets", "balance")}
        for part in dataset["datasets"]:
            yield from _items({"type": ConcatLesionDataset.DEFAULT_ITEM_TYPES["datasets"], **shared, **part})
    elif dataset.get("type") != "LesionDataset" or not dataset.get("pipeline"):
        raise UserError(
            f"test_dataloader.dataset is a {dataset.get('type')}; --data takes the place of LesionDataset with a pipeline, and no other"
        )
    else:
        yield dataset


def _check_names(roots: Sequence[str]) -> None:
    by_name: dict[str, list[str]] = {}
    for root in roots:
        by_name.setdefault(Splits.read(root).dataset, []).append(str(root))
    for name, own in by_name.items():
        if len(own) > 1:
            raise UserError(
                f"{' and '.join(own)} are both called {name!r}, so that results couldn't be told apart; test them one after the other, "
                "or convert one again with another --name"
            )


def _resolved(root: str | Path) -> Path:
    return Path(root).expanduser().resolve()
