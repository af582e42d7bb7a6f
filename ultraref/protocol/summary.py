"""What the tests of a protocol came to: summary.json, and summary.txt, which a call prints at its end."""

from collections.abc import Mapping
from pathlib import Path

from ultraref.atomic import atomic_file, write_json
from ultraref.evaluation.table import OVERLAP_NAMES, refinement_table
from ultraref.json_file import read_json
from ultraref.protocol.fingerprint import seconds_of
from ultraref.protocol.step import TEXT_NAME, Plan, Step

# Models that the text has a line for; summary.json has all.
_LINES = 24


def write_summary(step: Step, plan: Plan) -> None:
    """Writes summary.json and summary.txt into the folder of a protocol.

    summary.json holds, of the recipe that the summary is about, with its first set and fold: `n_test`; `coarse`, `refined` and
    `delta`, each with Dice, IoU, precision, recall and accuracy; `delta_dice_ci95`, a bootstrap interval; `harmed`, `helped`
    and `worst`, see `RefinementMetric`; `weights_seen`, see `ultraref.apis.test`; the run's name as `model`. Under `models` the
    same for each tested run, and under `seconds` the wall time of each step when it last ran. Of a model without refinement
    there is `coarse` alone.
    """
    arguments = step.arguments
    models = {name: _read_test(Path(path)) for name, path in arguments["tests"].items()}
    seconds = {other.name: seconds_of(other) for other in plan.steps}
    folder = Path(arguments["folder"])
    with atomic_file(folder / TEXT_NAME, "w") as file:
        file.write(text_of(models, arguments["model"]))
    write_json(
        folder / "summary.json",
        {
            **models[arguments["model"]],
            "model": arguments["model"],
            "models": models,
            "seconds": {name: value for name, value in seconds.items() if value is not None},
        },
    )


def text_of(models: Mapping[str, Mapping], main: str) -> str:
    """Returns the table of one model, and a line for each of the others."""
    lines = _full(main, models[main])
    others = [_line(name, model) for name, model in models.items() if name != main]
    if others:
        lines += ["", *others[:_LINES]]
    if len(others) > _LINES:
        lines.append(f"and {len(others) - _LINES} more in summary.json")
    return "\n".join(lines) + "\n"


def _read_test(path: Path) -> dict:
    metrics = read_json(path, "file of metrics", finite=False)
    rows = path.with_suffix(".csv").read_text(encoding="utf-8").splitlines()
    model = {"n_test": len(rows) - 1}
    for group in ("coarse", "refined", "delta"):
        if f"test_{group}/dice" in metrics:
            model[group] = {name: metrics[f"test_{group}/{name}"] for name in OVERLAP_NAMES}
    if "delta" in model:
        model["delta_dice_ci95"] = [metrics["test_delta/dice_ci95_low"], metrics["test_delta/dice_ci95_high"]]
        model.update({name: metrics[f"test_delta/{name}"] for name in ("harmed", "helped", "worst")})
    model["weights_seen"] = metrics["weights_seen"]
    return model


def _full(name: str, model: Mapping) -> list[str]:
    means = {group: model[group] for group in ("coarse", "refined", "delta") if group in model}
    lines = refinement_table(means, f"{name}: {model['n_test']} test images").splitlines()
    if "delta" in model:
        low, high = model["delta_dice_ci95"]
        lines += [
            f"Dice difference: {model['delta']['dice']:+.4f}, 95 % bootstrap interval {low:+.4f} to {high:+.4f}",
            f"Dice rises by more than 0.01 in {100 * model['helped']:.0f} % of the images and falls by more in "
            f"{100 * model['harmed']:.0f} %, at worst by {max(-model['worst'], 0):.2f}",
        ]
    return lines


def _line(name: str, model: Mapping) -> str:
    if "delta" not in model:
        return f"{name}: Dice {model['coarse']['dice']:.4f}, {model['n_test']} test images"
    low, high = model["delta_dice_ci95"]
    return (
        f"{name}: Dice {model['coarse']['dice']:.4f} to {model['refined']['dice']:.4f} ({model['delta']['dice']:+.4f}, "
        f"interval {low:+.4f} to {high:+.4f}), {100 * model['harmed']:.0f} % harmed, at worst by "
        f"{max(-model['worst'], 0):.2f}"
    )
