"""Choosing parts of a model by patterns over the names of its modules."""

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase

from torch import nn

from ultraref.errors import UserError


def is_below(name: str, glob: str) -> bool:
    """Whether the module or parameter `name`, or one that contains it, matches `glob`.

    `*` matches any run of characters, dots included: "refiner", "refiner.*" and "ref*" all choose `refiner.sam.weight`.
    """
    parts = name.split(".")
    return any(fnmatchcase(".".join(parts[:end]), glob) for end in range(1, len(parts) + 1))


def select_parameters(model: nn.Module, globs: Iterable[str], where: str) -> set[str]:
    """Returns the names of the parameters that a glob chooses: none where it chooses a module that has none.

    A recipe may so name a part, a gate say, that has parameters in some variants only.

    Raises:
        ValueError: a glob chooses neither a parameter nor a module; `where` (e.g. a config key) and near names are given.
    """
    names = [name for name, _ in model.named_parameters()]
    modules = [name for name, _ in model.named_modules() if name]
    chosen = set()
    for glob in globs:
        found = {name for name in names if is_below(name, glob)}
        if not found and not any(is_below(name, glob) for name in modules):
            raise UserError(f"{where}: {glob!r} matches no part of the model{nearest_parts(model, glob)}")
        chosen |= found
    return chosen


def select_modules(model: nn.Module, globs: Iterable[str], where: str) -> list[nn.Module]:
    """Returns the modules that a glob chooses, and all modules within them.

    A glob may end in a colon and a class name (a pattern too): "coarse_source.*:BatchNorm*" chooses only batch norms.

    Raises:
        ValueError: a glob chooses no module; `where` and near names are given.
    """
    chosen: dict[int, nn.Module] = {}
    for glob in globs:
        names, _, kind = glob.partition(":")
        found = [
            module
            for name, module in model.named_modules()
            if name and is_below(name, names) and fnmatchcase(type(module).__name__, kind or "*")
        ]
        if not found:
            raise UserError(f"{where}: {glob!r} matches no module of the model{nearest_parts(model, names)}")
        chosen.update((id(inner), inner) for module in found for inner in module.modules())
    return list(chosen.values())


def nearest_parts(model: nn.Module, glob: str) -> str:
    """A hint at the modules whose names resemble `glob`."""
    names = [name for name, _ in model.named_modules() if name]
    near = get_close_matches(glob.replace("*", ""), names, n=5, cutoff=0.5) or [n for n, _ in model.named_children()]
    return f"; near it: {', '.join(near)}" if near else ""
