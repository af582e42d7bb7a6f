"""A training in a few lines, before it starts: config, data, weights, and room for its checkpoints."""

import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.optim import OptimWrapperDict
from torch import nn
from torch.optim import SGD, Optimizer
from torch.utils.data import Dataset

from ultraref import provenance
from ultraref.engine.hooks.provenance_hook import set_names, weights_seen_of
from ultraref.engine.run_identity import data_hash

# last.pth, previous.pth, and the next last.pth while it is written.
_KEPT = 3
# Numbers that an optimizer keeps of each parameter: Adam and its kin two averages.
_AVERAGES = 2
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Line:
    """A line of the description.

    Attributes:
        name: what it is about, in a word.
        text: what was found.
        ok: whether a training can start so.
    """

    name: str
    text: str
    ok: bool = True


def describe_run(runner, work_dir: str | Path | None = None) -> Iterator[Line]:
    """Yields the lines of a run whose train loop, and validation loop if it has one, are built.

    Args:
        runner: an `UltraRunner`.
        work_dir: where its checkpoints would go; by default where they go.
    """
    work_dir = runner.work_dir if work_dir is None else work_dir
    yield Line("config", describe_config(runner.cfg, work_dir))
    datasets = {"train": runner.train_dataloader.dataset}
    if runner.val_loop is not None:
        datasets["val"] = runner.val_dataloader.dataset
    for part, dataset in datasets.items():
        yield Line("data", describe_data(part, dataset))
    model = runner._bare_model()
    yield Line("weights", describe_weights(model, datasets.get("val", datasets["train"])))
    needed = checkpoint_bytes(model, runner.optim_wrapper, any(isinstance(hook, EMAHook) for hook in runner.hooks))
    yield describe_disk(work_dir, needed)


def describe_config(cfg: Config, work_dir: str | Path) -> str:
    """Returns file, set and fold of a config, and a work dir, in words."""
    parts = [str(cfg.filename or "a config without a file")]
    if "set_name" in cfg:
        parts.append(f"set {cfg.set_name}, {'all folds' if cfg.get('fold') is None else f'fold {cfg.fold}'}")
    return f"{', '.join(parts)}; results go to {work_dir}"


def describe_data(part: str, dataset: Dataset) -> str:
    """Returns what a data set holds, and the start of the hash of its images, masks and stored predictions."""
    parts = getattr(dataset, "datasets", [dataset])
    sets = ", ".join(f"{name} {len(one)}" for one in parts for name in (list(set_names(one)) or ["images"]))
    return f"{part}: {sets}; {data_hash(dataset)[:12]}"


def describe_weights(model: nn.Module, dataset: Dataset) -> str:
    """Returns the size of a model, where its weights come from, and what they have seen of the sets of a data set."""
    count = sum(parameter.numel() for parameter in model.parameters())
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    sources = [f"{path} (trained on {len(seen)} images)" for path, seen in provenance.collect(model).items()]
    seen = weights_seen_of(model, dataset)
    for name in provenance.collect_weights(model):
        states = [f"{set_name} {found[name]['state']}" for set_name, found in seen.items() if name in found]
        sources.append(f"{name} ({', '.join(states) or 'no set asked for'})")
    return f"{count:,} parameters, {trained:,} of them trained; from {', '.join(sources) or 'random numbers'}"


def checkpoint_bytes(model: nn.Module, optim_wrapper, has_ema: bool = False) -> int:
    """Returns how many bytes the checkpoints of a run take at most at a time, about: last.pth, previous.pth, the one that is being
    written, and best.pth.

    Args:
        model: whose weights and buffers are saved.
        optim_wrapper: of the run; how many numbers its optimizer keeps of each parameter is known of SGD, of others taken to be
            two, as of Adam.
        has_ema: whether averaged weights are saved as well.
    """
    weights = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    wrappers = optim_wrapper.values() if isinstance(optim_wrapper, OptimWrapperDict) else [optim_wrapper]
    states = sum(_state_bytes(wrapper.optimizer, getattr(wrapper, "_accumulative_counts", 1)) for wrapper in wrappers)
    return _KEPT * ((1 + has_ema) * weights + states) + weights


def _state_bytes(optimizer: Optimizer, accumulated: int) -> int:
    total = 0
    for group in optimizer.param_groups:
        averages = int(bool(group["momentum"])) if isinstance(optimizer, SGD) else _AVERAGES
        # Gradients of a step that reaches over the end of an epoch.
        averages += accumulated > 1
        total += averages * sum(parameter.numel() * parameter.element_size() for parameter in group["params"])
    return total


def describe_disk(work_dir: str | Path, needed: int) -> Line:
    """Compares the free space of a work dir, which need not exist, with what checkpoints take."""
    place = Path(work_dir).resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    enough = free >= needed and os.access(place, os.W_OK)
    text = f"checkpoints take about {size(needed)}, {size(free)} are free at {place}"
    return Line("disk", text if enough else f"{text}; make room, or take another --work-dir", enough)


def size(number: float) -> str:
    """Returns a number of bytes in words: 1.5 GB."""
    power = min(int(math.log10(max(number, 1)) // 3), len(_UNITS) - 1)
    value = number / 1000**power
    return f"{value:.1f} {_UNITS[power]}" if power and value < 100 else f"{value:.0f} {_UNITS[power]}"
