"""The recipes that come with the package: where they lie, and how a name finds one."""

import os
from difflib import get_close_matches
from pathlib import Path

from ultraref.errors import MissingFileError

# A `_base_` that begins so names a shipped file: "ultraref::phase3/gated.py".
PREFIX = "ultraref::"
# Their folder's name in the repository, which people type as well.
_FOLDER = "configs"


def shipped_configs() -> Path:
    """Returns the folder of the recipes: in the package where a wheel put it, beside the package in a clone."""
    package = Path(__file__).resolve().parent
    inside = package / _FOLDER
    return inside if inside.is_dir() else package.parent / _FOLDER


def find_recipe(name: str | Path) -> Path:
    """Returns the config that a name means.

    Args:
        name: path of a file, which comes first; else the name of a shipped recipe, "phase3/gated.py" or
            "configs/phase3/gated.py".

    Raises:
        MissingFileError: there is neither; the nearest names are listed.
    """
    path = Path(name)
    if path.is_file():
        return path
    within = path.relative_to(_FOLDER) if path.is_relative_to(_FOLDER) else path
    shipped = shipped_configs() / within
    if not path.is_absolute() and ".." not in within.parts and shipped.is_file():
        return shipped
    raise MissingFileError(f"config {name} does not exist, nor is a shipped recipe called so; {_advice(path)}")


def resolve_base(base: str, folder: Path) -> Path:
    """Returns the file that a `_base_` names, or the folder, if it ends with a slash.

    Args:
        base: a path relative to the config, or "ultraref::" and the path of a shipped file below `configs`.
        folder: the config's.

    Raises:
        MissingFileError: nothing that is shipped is called so; the nearest names are listed.
    """
    if not base.startswith(PREFIX):
        return (folder / base).resolve()
    name = base.removeprefix(PREFIX)
    path = shipped_configs() / name
    if not (path.is_dir() if name.endswith("/") else path.is_file()):
        raise MissingFileError(f"_base_ {base}: no shipped config is called so; {_advice(Path(name), PREFIX)}")
    return path


def shown(path: str | Path) -> str:
    """Returns how a file is called in what users read: a shipped one, seen from outside its clone, by its name."""
    path, shipped = Path(path).resolve(), shipped_configs()
    if path.is_relative_to(shipped) and not path.is_relative_to(Path.cwd()):
        return path.relative_to(shipped).as_posix()
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def _advice(path: Path, prefix: str = "") -> str:
    """Says which recipes are called nearly so, or where they are."""
    folder = shipped_configs()
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.py"))
    if not prefix:
        # What begins with an underscore is no recipe, but a part of some.
        names = [name for name in names if not name.startswith("_")]
    parts = path.parts
    if _FOLDER in parts:
        parts = parts[parts.index(_FOLDER) + 1 :]
    wanted = Path(*parts).as_posix()
    same = [name for name in names if Path(name).stem == path.stem]
    near = list(dict.fromkeys([*same, *get_close_matches(wanted, names, 3)]))[:3]
    if near:
        return f"did you mean {' or '.join(prefix + name for name in near)}?"
    return f"the shipped ones are in {', '.join(sorted({f'{prefix}{Path(name).parts[0]}/' for name in names}))}"
