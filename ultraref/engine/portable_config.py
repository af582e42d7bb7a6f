"""Configs that leave the machine: what of one is handed on, and what one that comes from elsewhere may say.

A config is a program: MMEngine's registries import any dotted `type` ("os.system"), `_scope_` names a package to import, and
arguments name files. Of a config that was downloaded with a model nothing of that is taken.
"""

import inspect
import math
from collections.abc import Iterator
from pathlib import Path

from ultraref.engine.config_check import ConfigError
from ultraref.registry import ALL_REGISTRIES

# Arguments whose names have one of these words name files, folders or downloads.
_OUTSIDE = {"checkpoint", "pretrained", "cache", "file", "path", "folder", "dir", "root", "url", "load"}
# Besides `type`, keys whose value is imported by its name.
_IMPORTED = ("constructor", "custom_imports", "imports")
# Of the machine that trained, not of the model: they change the speed, not the result.
_MACHINE = {"compile_image_encoder": False, "embedding_cache": None}


def portable(node, path: str = "model"):
    """Returns a part of a config in JSON's types, without what belongs to this machine.

    Weights files and caches become None: the model gets its weights in one piece. A class becomes the name that it is registered under.

    Args:
        node: a part of a config.
        path: its config key, for messages.

    Raises:
        ConfigError: a value has no form in JSON, or a class is not registered.
    """
    if isinstance(node, dict):
        return {str(key): _without_machine(str(key), portable(value, f"{path}.{key}")) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [portable(item, f"{path}.{index}") for index, item in enumerate(node)]
    if isinstance(node, Path):
        return str(node)
    if inspect.isclass(node) or inspect.isfunction(node):
        return _registered_name(node, path)
    if node is None or isinstance(node, (bool, int, str)) or (isinstance(node, float) and math.isfinite(node)):
        return node
    raise ConfigError(f"{path} is {node!r}; an exported config holds finite numbers, words, lists and dicts of them")


def check_portable(node, path: str) -> None:
    """Refuses a part of a config that could import or read anything but this package's own components.

    Args:
        node: it, as JSON gives it.
        path: its config key, for messages.

    Raises:
        ConfigError: lists all that is not allowed: a `type` that isn't registered in a registry of this package (a dotted name never
            is), keys that begin with an underscore, keys whose value is imported, and arguments that name files or downloads.
    """
    problems = list(_problems(node, path))
    if problems:
        raise ConfigError("\n".join(f"- {problem}" for problem in problems))


def _problems(node, path: str) -> Iterator[str]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _problems(item, f"{path}.{index}")
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        where = f"{path}.{key}"
        if key == "type":
            if not is_registered(value):
                yield (
                    f"{where}: {value!r} is not registered in ultraref. An exported config names components of ultraref, or of a "
                    "plugin that has been imported, by their bare names"
                )
        elif key.startswith("_") or key in _IMPORTED:
            yield f"{where}: this key is not allowed in an exported config"
        elif names_outside(key, value):
            yield f"{where}: {value!r} names a file or a download, which an exported config may not"
        else:
            yield from _problems(value, where)


def is_registered(name) -> bool:
    """Whether a name is that of a component in a registry of this package; those of MMEngine behind it don't count."""
    return isinstance(name, str) and any(name in _own(registry) for registry in ALL_REGISTRIES.values())


def names_outside(key: str, value) -> bool:
    """Whether an argument, by its name and the kind of its value, names a file, a folder or a download."""
    words = set(key.lower().split("_"))
    return (isinstance(value, (str, dict, list)) and bool(words & _OUTSIDE)) or (value is True and key == "pretrained")


def _without_machine(key: str, value):
    if key in _MACHINE:
        return _MACHINE[key]
    if key == "pretrained" and value is True:
        return False
    return None if key in ("checkpoint", "pretrained") and isinstance(value, str) else value


def _registered_name(component, path: str) -> str:
    for registry in ALL_REGISTRIES.values():
        for name, known in _own(registry).items():
            if known is component:
                return name
    raise ConfigError(
        f"{path} is {component!r}, which is not registered in ultraref; register it, and name it in the config"
    )


def _own(registry) -> dict:
    registry.import_from_location()
    return registry.module_dict
