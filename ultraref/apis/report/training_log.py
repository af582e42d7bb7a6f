"""What a training logged."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_LOSS = "loss"
_DICE = {"coarse": "val_coarse/dice", "refined": "val_refined/dice"}


@dataclass(frozen=True)
class TrainingLog:
    """Curves of a training.

    Attributes:
        loss: (epoch, value) of the training loss; epochs are fractions where it was logged more than once in one.
        dice: by group, (epoch, value) of the validation's mean Dice.
        memory_gb: most memory of the accelerator that a log line names; None without one.
    """

    loss: list[tuple[float, float]]
    dice: dict[str, list[tuple[float, float]]]
    memory_gb: float | None


def read_training(folder: Path) -> TrainingLog | None:
    """Reads TIME/vis_data/scalars.json of a work directory.

    A resumed training has several; of the same epoch the latest counts. None where a training left none.
    """
    loss: dict[int, tuple[float, float]] = {}
    dice: dict[str, dict[float, float]] = {}
    memory = None
    for path in sorted(folder.glob("*/vis_data/scalars.json")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                # The last line of a process that was killed.
                continue
            if not isinstance(entry, dict):
                continue
            # A damaged line counts by what is a number in it.
            entry = {name: value for name, value in entry.items() if isinstance(value, (int, float))}
            if _LOSS in entry and "epoch" in entry:
                loss[entry.get("step", len(loss))] = (entry["epoch"], entry[_LOSS])
                memory = max(memory or 0.0, entry.get("memory", 0.0))
            for group, name in _DICE.items():
                if name in entry and "step" in entry:
                    dice.setdefault(group, {})[entry["step"]] = entry[name]
    if not loss and not dice:
        return None
    return TrainingLog(
        _in_epochs([loss[step] for step in sorted(loss)]),
        {group: sorted(values.items()) for group, values in dice.items()},
        memory / 1024 if memory else None,
    )


def _in_epochs(entries: list[tuple[int, float]]) -> list[tuple[float, float]]:
    """From (epoch from 1 up, value) to (epochs done, value); the lines of an epoch are taken to be evenly spread in it."""
    lines = Counter(epoch for epoch, _ in entries)
    seen: Counter = Counter()
    found = []
    for epoch, value in entries:
        seen[epoch] += 1
        found.append((epoch - 1 + seen[epoch] / lines[epoch], value))
    return found
