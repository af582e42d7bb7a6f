"""Which file set each key of a config."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from mmengine.config import Config

from ultraref.engine.recipe import bases_of
from ultraref.engine.runner import MMENGINE_HOOKS
from ultraref.shipped import shown

_MISSING = object()


class ConfigOrigins:
    """Finds the file of a config's inheritance tree that a value comes from.

    A value comes from the deepest file that has it: of a file and its bases that agree, from the base. A dict that a recipe takes
    from a variable of a base, as in `refiner=_base_.refiner`, is followed to where that variable is set.

    Args:
        path: the config.
        options: dotted keys that `--cfg-options` changed.
    """

    def __init__(self, path: str | Path, options: Sequence[str] = ()):
        self._options = tuple(options)
        self._tree = _Node(Path(path).resolve())

    def of(self, key: Sequence[str], value) -> str:
        """Returns the file, as `ultraref.shipped.shown` calls it, or "--cfg-options".

        Args:
            key: the path of a value in the config, e.g. ("model", "gate", "gate_max").
            value: what stands there.
        """
        dotted = ".".join(key)
        if any(dotted == option or dotted.startswith(f"{option}.") for option in self._options):
            return "--cfg-options"
        return shown(self._tree.origin(tuple(key), value))

    def is_in_files(self, key: str) -> bool:
        """Whether the config or a file that it inherits sets a top-level key."""
        return key in self._tree.content


# Configs whose parts have names, which None leaves out.
NAMED_PARTS = ("prompts", "prob_transforms", "losses", "stages", "default_hooks")


def find_unknown_parts(path: str | Path) -> list[str]:
    """Returns a line for each part that a config leaves out by None under a name that nothing has.

    Args:
        path: the config, read with the environment's set and fold.
    """
    return list(_Node(Path(path).resolve()).unknown_parts())


def leaves(node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yields the path and value of everything in a config that isn't a dict; a list counts as one value."""
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, node


class _Node:
    """A file, what it comes to with its bases, and these."""

    def __init__(self, path: Path):
        self.path = path
        self.content = Config.fromfile(path).to_dict()
        self.bases = [_Node(base) for base in bases_of(path)]

    def origin(self, key: tuple[str, ...], value) -> Path:
        for base in self.bases:
            if _same(_get(base.content, key), value):
                return base.origin(key, value)
        found = self._through_variable(key, value)
        if found is None:
            return self.path
        base, own = found
        return base.origin(own, value)

    def unknown_parts(self) -> Iterator[str]:
        for key, value in leaves(self.content):
            if value is not None or len(key) < 2 or key[-2] not in NAMED_PARTS:
                continue
            names = self.named(key[:-1])
            if key[-1] not in names and key[-1] not in MMENGINE_HOOKS:
                near = get_close_matches(key[-1], sorted(names), 1)
                hint = f"did you mean {near[0]}? There" if near else "there"
                yield f"{'.'.join(key)} is None, but there is no such part to leave out; {hint} are {', '.join(sorted(names))}"

    def named(self, key: tuple[str, ...]) -> set[str]:
        """The names of the parts that stand at a key, here or in a base."""
        own = _get(self.content, key)
        names = {name for name, part in own.items() if part is not None} if isinstance(own, dict) else set()
        return names.union(*(base.named(key) for base in self.bases))

    def _through_variable(self, key: tuple[str, ...], value) -> "tuple[_Node, tuple[str, ...]] | None":
        """The base, and the key in it, of the variable from which this file took the dict around a value."""
        for end in range(1, len(key)):
            here = _get(self.content, key[:end])
            if not isinstance(here, dict):
                continue
            for base in self.bases:
                # A plain value that has the name of a variable there, as in `data_root=_base_.data_root`.
                if end == len(key) - 1 and _same(base.content.get(key[-1], _MISSING), value):
                    return base, key[-1:]
                for name, variable in base.content.items():
                    inner = (name, *key[end:])
                    # The same component, and the same value in the same place of it.
                    is_same_part = isinstance(variable, dict) and variable.get("type") == here.get("type")
                    if is_same_part and _same(_get(base.content, inner), value):
                        return base, inner
        return None


def _get(node, key: tuple[str, ...]):
    for part in key:
        if not isinstance(node, dict) or part not in node:
            return _MISSING
        node = node[part]
    return node


def _same(a, b) -> bool:
    return a is not _MISSING and type(a) is type(b) and a == b
