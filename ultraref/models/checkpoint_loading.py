"""Fills a module with weights, all of it or not at all, and says what doesn't fit."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from operator import eq
from pathlib import Path

from torch import Tensor, nn

from ultraref import provenance
from ultraref.checkpoint import load_checkpoint_file, not_finite
from ultraref.errors import UserError

# Hint for a checkpoint of a whole model.
OTHER_MODEL = "The model of the config must be the one that the checkpoint was made with"
# Names of one kind that a message lists.
_LISTED = 5


@dataclass(frozen=True)
class Differences:
    """How the weights in a file differ from those of a model; false where they don't.

    Attributes:
        missing: names that the file lacks.
        unexpected: names that the model doesn't have.
        misshapen: names of another shape, with both shapes, in words.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        """One indented line for each kind of difference, with how many there are and the first few."""
        kinds = (
            ("missing in the file", self.missing, ", "),
            ("in the file but not in the model", self.unexpected, ", "),
            ("of another shape", self.misshapen, "; "),
        )
        return "\n".join(
            f"  {len(names)} {kind}: {separator.join(names[:_LISTED])}{', ...' if len(names) > _LISTED else ''}"
            for kind, names, separator in kinds
            if names
        )


def compare_shapes(
    expected: Mapping[str, tuple],
    found: Mapping[str, tuple],
    optional: Collection[str] = (),
    fits: Callable[[str, tuple, tuple], bool] | None = None,
) -> Differences:
    """Compares weights by name and shape.

    Args:
        expected: shape of each weight of the model, by name.
        found: the same of the file.
        optional: names that the file may lack.
        fits: whether the shape that was found will do for the expected one: `fits(name, found, expected)`. None asks that
            they are equal.
    """
    fits = fits or (lambda name, *shapes: eq(*shapes))
    return Differences(
        missing=tuple(name for name in expected if name not in found and name not in optional),
        unexpected=tuple(name for name in found if name not in expected),
        misshapen=tuple(
            f"{name} is {found[name]} in the file, {shape} in the model"
            for name, shape in expected.items()
            if name in found and not fits(name, found[name], shape)
        ),
    )


def load_strictly(
    module: nn.Module,
    state: Mapping[str, Tensor],
    source: str | Path,
    *,
    target: str | None = None,
    only: Collection[str] | None = None,
    optional: Collection[str] = (),
    hint: str = "",
) -> None:
    """Loads all of `state` into all of `module`. If anything doesn't fit, the module is left as it was.

    Args:
        module: receives the weights.
        state: weights by the module's state-dict keys.
        source: what the weights come from, for the message: a path, or "the part 'x' of PATH".
        target: what they go to, for the message; by default the module's class.
        only: keys of the module that are to be filled; every other key in `state` is refused. None: all of them.
        optional: keys that `state` may lack; what they name in the module stays as it is.
        hint: added to the message, one or more sentences: what the file seems to be, what to do.

    Raises:
        ValueError: weights are missing, left over or of another shape, or hold a number that isn't finite; the message names the
            first few of each.
    """
    own = {key: _shape(value) for key, value in module.state_dict().items() if only is None or key in only}
    differences = compare_shapes(own, {key: _shape(value) for key, value in state.items()}, optional)
    if differences:
        target = target or f"the model {type(module).__name__}"
        raise UserError(
            f"{source} does not fit {target} ({len(own)} entries):\n{differences}" + (f"\n{hint}" if hint else "")
        )
    broken = not_finite(state)
    if broken:
        raise UserError(
            f"{source} holds numbers that aren't finite, in {len(broken)} entries: {', '.join(broken[:_LISTED])}. A model "
            "computes nothing with them"
        )
    module.load_state_dict(state, strict=False)


def load_part(module: nn.Module, path: str | Path, prefix: str) -> dict:
    """Fills `module` from the part of a checkpoint of this package whose keys begin with `prefix`, strictly.

    What the checkpoint was trained on, and the published weights that it started from, are noted on the module
    (`ultraref.provenance`), so that a validation on one of those images can be refused.

    Args:
        module: receives the weights.
        path: a checkpoint that tools/train.py wrote.
        prefix: "network." for a coarse network, "refiner." for a refiner.

    Returns:
        The checkpoint's `meta`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no checkpoint, holds nothing under `prefix`, or its keys or shapes don't fit.
    """
    checkpoint = load_checkpoint_file(path)
    state = {key[len(prefix) :]: value for key, value in checkpoint["state_dict"].items() if key.startswith(prefix)}
    if not state:
        parts = sorted({key.split(".")[0] for key in checkpoint["state_dict"]})
        raise UserError(f"{path} has no part {prefix.rstrip('.')!r}; its parts are {', '.join(parts)}")
    load_strictly(
        module,
        state,
        f"the part {prefix.rstrip('.')!r} of {path}",
        hint="Was it trained with another architecture? Its config is in the checkpoint's meta",
    )
    meta = checkpoint.get("meta", {})
    provenance.record_checkpoint(module, str(path), meta)
    return meta


def load_model(module: nn.Module, checkpoint: Mapping, path: str | Path) -> None:
    """Fills a whole model with a checkpoint of this package, strictly, and notes what it was trained on.

    Args:
        module: a segmentor.
        checkpoint: from `load_checkpoint_file`.
        path: where it came from.

    Raises:
        UserError: its keys or shapes don't fit, the model takes other inputs than the checkpoint was trained on, or has another gate than
            was calibrated.
    """
    state = checkpoint["state_dict"]
    hints = [
        part.uncalibrated_hint
        for name, part in module.named_modules()
        if hasattr(part, "uncalibrated_hint") and f"{name}.calibrated" not in state
    ]
    # A coarse network that a model of phase 2 got for a test on other images.
    prefixes = tuple(f"{name}." for name, part in module.named_modules() if getattr(part, "has_own_weights", False))
    optional = [key for key in module.state_dict() if prefixes and key.startswith(prefixes)]
    load_strictly(module, state, f"checkpoint {path}", optional=optional, hint="\n".join([OTHER_MODEL, *hints]))
    meta = checkpoint.get("meta", {})
    if hasattr(module, "input_contract") and not getattr(module, "allow_contract_change", False):
        check_contract(module.input_contract(), meta.get("input_contract"), f"the model in {path}")
    provenance.record_checkpoint(module, str(path), meta)
    _check_calibration(module, meta.get("calibration"), path)
    provenance.record_calibration(module, meta.get("calibration"))


def _check_calibration(module: nn.Module, record: Mapping | None, path: str | Path) -> None:
    """Refuses to use a threshold for another score, or another gate inside, than it was chosen for."""
    own = getattr(getattr(module, "gate", None), "settings", None)
    if record is None or own is None:
        return
    calibrated = {key: record[key] for key in own}
    if calibrated != own:
        raise UserError(
            f"the gate in {path} was calibrated as {calibrated}, and model.gate of this config is {own}: its threshold means nothing "
            "there. Make the config agree, or calibrate again with tools/calibrate_gate.py"
        )


def check_contract(own: Mapping, stored: Mapping | None, what: str) -> None:
    """Compares what a model takes for granted about its inputs with what it was trained on.

    Args:
        own: the model's input contract, plain values by name.
        stored: that of the checkpoint's meta; None where it has none.
        what: what was loaded, for the message.

    Raises:
        UserError: they differ; lists the differences.
    """
    if stored is None:
        return
    # Checkpoints of a time when there was one scale don't name it; of another, the coarse size was not always known.
    stored = {
        "sam_scale": "imagenet",
        **{key: value for key, value in stored.items() if value is not None or key == "roi"},
    }
    known = [key for key in own if key in stored or key != "coarse_size"]
    differing = [key for key in known if stored.get(key) != own[key]] + [key for key in stored if key not in own]
    if differing:
        lines = "\n".join(
            f"  {key}: {stored.get(key)} in the checkpoint, {own.get(key)} in the config" for key in differing
        )
        raise UserError(
            f"{what} was trained on other inputs than this config gives it:\n{lines}\nMake the config agree, or set "
            f"allow_contract_change=True in model.refiner if the change is on purpose."
        )


def without_initial_weights(model: dict) -> dict:
    """Returns a model config that loads no file while it is built.

    For a model, or a part of one, that receives a whole checkpoint next: a test, a resumed run, a refiner from phase 2. The
    files that its own parts start from are not needed then.
    """
    if isinstance(model, dict):
        return type(model)(
            {
                key: None
                if key in ("checkpoint", "pretrained") and isinstance(value, str)
                else without_initial_weights(value)
                for key, value in model.items()
            }
        )
    if isinstance(model, (list, tuple)):
        return type(model)(without_initial_weights(item) for item in model)
    return model


def _shape(value) -> tuple:
    """The shape of a tensor; of what is none, its type in place of a shape."""
    return tuple(value.shape) if isinstance(value, Tensor) else (type(value).__name__,)
