"""Damaged checkpoints: each is refused, or the run goes on from the one before; none is taken."""

import copy
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from ultraref.checkpoint import load_checkpoint_file, save_atomically, to_plain
from ultraref.engine.work_dir import LAST_CHECKPOINT, PREVIOUS_CHECKPOINT, checkpoint_to_resume
from ultraref.testing.soak.isolation import REFUSED, Outcome, call_each

RECOVERED, TOOK = "recovered", "taken although damaged"
WAYS = ("cut", "bit", "zeroed", "field")
_BLOCK = 512


@dataclass
class DamagedCheckpoints:
    """What became of damaged checkpoints.

    Attributes:
        counts: of files by (way of damage, what came of it).
        faults: what came of those that were neither refused nor replaced by the one before.
    """

    counts: Counter = field(default_factory=Counter)
    faults: list[Outcome] = field(default_factory=list)


def damage_checkpoints(runner, folder: Path, number: int, seed: int) -> DamagedCheckpoints:
    """Damages a checkpoint in many ways, and has a run go on from each.

    A file is cut, one bit of it flipped, or a block of it zeroed, anywhere: then the run must go on from the one before,
    or be refused where there is none. Or a field is another than it was, in a file with a checksum that fits: the run must refuse it.

    Args:
        runner: has trained; it isn't changed, as it goes on in other processes. Its work dir holds last.pth.
        folder: for the damaged ones.
        number: how many.
        seed: file k depends on the seed and k alone.
    """
    source = Path(runner.work_dir, LAST_CHECKPOINT)
    whole = source.read_bytes()
    fields = list(ODD_FIELDS)
    folder.mkdir(parents=True, exist_ok=True)

    def go_on(index: int) -> str:
        way, rng = WAYS[index % len(WAYS)], np.random.default_rng([seed, index])
        last, previous = folder / LAST_CHECKPOINT, folder / PREVIOUS_CHECKPOINT
        previous.unlink(missing_ok=True)
        if way == "field":
            content = load_checkpoint_file(source)
            name = fields[(index // len(WAYS)) % len(fields)]
            ODD_FIELDS[name](content)
            # The log's histories, which reading has rebuilt, become plain again.
            save_atomically(to_plain(content), last)
            # As `load_or_resume` says it to the hooks.
            runner._resume = True
            runner.resume(str(last), map_location="cpu")
            raise AssertionError(f"{TOOK}: {name}")
        last.write_bytes(_DAMAGES[way](whole, rng))
        if rng.random() < 0.5:
            previous.write_bytes(whole)
        chosen = checkpoint_to_resume(folder)
        if chosen is None or chosen.name != PREVIOUS_CHECKPOINT:
            raise AssertionError(f"{TOOK}: {way}")
        return RECOVERED

    result = DamagedCheckpoints()
    for outcome in call_each(go_on, range(number)):
        result.counts[WAYS[outcome.number % len(WAYS)], outcome.kind] += 1
        if outcome.kind not in (REFUSED, RECOVERED):
            result.faults.append(outcome)
    return result


def _cut(whole: bytes, rng: np.random.Generator) -> bytes:
    return whole[: rng.integers(len(whole))]


def _flip_bit(whole: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(whole)))
    return whole[:place] + bytes([whole[place] ^ (1 << int(rng.integers(8)))]) + whole[place + 1 :]


def _zero_block(whole: bytes, rng: np.random.Generator) -> bytes:
    while True:
        place = int(rng.integers(len(whole)))
        block = whole[place : place + _BLOCK]
        if any(block):
            return whole[:place] + bytes(len(block)) + whole[place + _BLOCK :]


_DAMAGES: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "cut": _cut,
    "bit": _flip_bit,
    "zeroed": _zero_block,
}


def _setting(*path: str, value) -> Callable[[dict], None]:
    def change(content: dict) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = copy.deepcopy(value)

    return change


def _removing(*path: str) -> Callable[[dict], None]:
    def change(content: dict) -> None:
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


def _weight(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[dict], None]:
    """Changes the first weight that is a matrix."""

    def apply(content: dict) -> None:
        state = content["state_dict"]
        name = next(name for name, value in state.items() if value.ndim > 1)
        state[name] = change(state[name].clone())

    return apply


def _rename_weight(content: dict) -> None:
    name = next(iter(content["state_dict"]))
    content["state_dict"][f"{name}2"] = content["state_dict"].pop(name)


def _fill(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(weight: torch.Tensor) -> torch.Tensor:
        weight.view(-1)[0] = value
        return weight

    return change


def _fewer_groups(content: dict) -> None:
    content["optimizer"]["param_groups"].pop()


def _other_moment(content: dict) -> None:
    """One moment of the optimizer of another size."""
    state = next(iter(content["optimizer"]["state"].values()))
    name = next(name for name, value in state.items() if isinstance(value, torch.Tensor) and value.ndim)
    state[name] = torch.zeros(3, 2, 1)


def _average_is_nan(content: dict) -> None:
    state = next(iter(content["optimizer"]["state"].values()))
    name = next(name for name, value in state.items() if isinstance(value, torch.Tensor) and value.ndim)
    state[name].view(-1)[0] = math.nan


def _averaged_weight_is_nan(content: dict) -> None:
    """One of the weights that an EMA hook averages."""
    state = content["ema_state_dict"]
    next(value for value in state.values() if value.ndim > 1).view(-1)[0] = math.nan


ODD_FIELDS: dict[str, Callable[[dict], None]] = {
    "format of tomorrow": _setting("format", value=3),
    "format in words": _setting("format", value="two"),
    "no meta": _removing("meta"),
    "meta is a list": _setting("meta", value=[1]),
    "epoch in words": _setting("meta", "epoch", value="three"),
    "epoch below 0": _setting("meta", "epoch", value=-1),
    "epoch is a fraction": _setting("meta", "epoch", value=1.5),
    "iteration isn't a number": _setting("meta", "iter", value=math.nan),
    "no iteration": _removing("meta", "iter"),
    "no seed": _removing("meta", "seed"),
    "another seed": _setting("meta", "run", "randomness.seed", value=4711),
    "another learning rate": _setting("meta", "run", "optim_wrapper.optimizer.lr", value=1.0),
    "two processes": _setting("meta", "run", "processes", value=2),
    "other data": _setting("meta", "run", "data.train", value="0" * 64),
    "no state_dict": _removing("state_dict"),
    "state_dict is a list": _setting("state_dict", value=[1]),
    "a weight is missing": lambda content: content["state_dict"].pop(next(iter(content["state_dict"]))),
    "a weight more": _setting("state_dict", "more", value=torch.zeros(2)),
    "a weight by another name": _rename_weight,
    "a weight of another size": _weight(lambda weight: weight[:-1]),
    "a weight that isn't a number": _weight(_fill(math.nan)),
    "an infinite weight": _weight(_fill(math.inf)),
    "a weight is text": _weight(lambda _: "weights"),
    "no optimizer": _removing("optimizer"),
    "optimizer is a list": _setting("optimizer", value=[]),
    "optimizer without groups": _removing("optimizer", "param_groups"),
    "optimizer with fewer groups": _fewer_groups,
    "optimizer's state of another size": _other_moment,
    "optimizer's state is text": _setting("optimizer", "state", value="state"),
    "an average isn't a number": _average_is_nan,
    "averaged weights are missing": _removing("ema_state_dict"),
    "an averaged weight isn't a number": _averaged_weight_is_nan,
    "no log": _removing("message_hub"),
    "log is a list": _setting("message_hub", value=[1]),
    "log without values": _setting("message_hub", "log_scalars", value=3),
    "log without runtime information": _removing("message_hub", "runtime_info"),
    "schedules are a number": _setting("param_schedulers", value=1),
    "a schedule is a number": _setting("param_schedulers", value=[1]),
    "no schedules": _removing("param_schedulers"),
    "gradient of nothing": _setting("gradients", value={"nothing": torch.zeros(2)}),
    "gradients are a list": _setting("gradients", value=[1]),
}
