"""Reads recipes: configs with two parameters, the set of images and the fold that is held out.

A recipe takes them from the environment variables ULTRAREF_SET and ULTRAREF_FOLD, through MMEngine's own `{{$NAME:default}}`, so
that `mmengine.config.Config.fromfile` reads it as well. Here they are set for the time of reading, as is
the spelling `_base_ = "ultraref::phase3/gated.py"` of a shipped file, which MMEngine alone doesn't know.
"""

import ast
import logging
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config

from ultraref import _compat
from ultraref.engine.config_check import ConfigError
from ultraref.errors import MissingFileError, UserError
from ultraref.shipped import PREFIX, find_recipe, resolve_base, shipped_configs, shown
from ultraref.text_file import read_text
from ultraref.text_file import shown as shown_value

SET, FOLD = "ULTRAREF_SET", "ULTRAREF_FOLD"
# `--fold all`: the reference's single SAM for all folds.
ALL_FOLDS = "all"
_DATASETS = Path("_base_", "datasets")
# MMEngine's `{{$NAME:default}}`, with the quotes that it allows inside.
_VARIABLE = re.compile(r"\{\{['\"]?\s*\$(\w+)\s*:\s*(\S*?)\s*['\"]?\}\}")


def read_recipe(path: str | Path, set: str | Path | None = None, fold: int | str | None = None) -> Config:
    """Reads a config with a set and a fold.

    Args:
        path: config file, or the name of a shipped recipe (`find_recipe`). An alias, a file that states `alias = dict(set=..., fold=...)`, gives both itself.
        set: name of a file in `_base_/datasets` beside the config or the recipe that it inherits from, or the path of
            such a file anywhere. None takes what ULTRAREF_SET says, else the recipe's default.
        fold: 0, 1, ... or "all". None takes what ULTRAREF_FOLD says, else fold 0.

    Returns:
        The config; `set_name` and `fold` (None for all) of a recipe say what it was read with.

    Raises:
        FileNotFoundError: there is no such config, or no shipped one that it inherits from.
        ConfigError: the set or fold is not known, or the config is an alias of another one, or none can be chosen in it.
    """
    path = find_recipe(path)
    _check_bases(path, ())
    if path.suffix != ".py":
        raise ConfigError(f"config {path} is no Python file; the shipped ones are called like phase3/gated.py")
    set = os.environ.get(SET) if set is None else str(set)
    fold = _checked_fold(os.environ.get(FOLD) if fold is None else fold)
    cfg = _read(path, set, fold)
    alias = cfg.get("alias")
    if alias is not None:
        if sorted(alias) != ["fold", "set"]:
            raise ConfigError(
                f"{path}: alias is {dict(alias)}; it states a set and a fold: alias = dict(set='busi', fold=0)"
            )
        if (set is None or set == alias.set) and (fold is None or fold == str(alias.fold)):
            return cfg if (cfg.set_name, str(cfg.fold)) == (alias.set, str(alias.fold)) else _read(path, **alias)
        raise ConfigError(
            f"{path} stands for set {alias.set}, fold {alias.fold}; for others take the recipe itself: "
            f"{shown(bases_of(path)[0])} --set {set or alias.set} --fold {fold or alias.fold}"
        )
    _check_chosen(cfg, path, set, fold)
    if set is not None and _is_path(set):
        _keep_path(cfg, str(Path(set).resolve()))
    return cfg


def _check_bases(path: Path, above: tuple[Path, ...]) -> None:
    """Refuses a config that inherits itself, or one in MMEngine's lazy style, neither of which can be read here."""
    path = path.resolve()
    if path in above:
        circle = " > ".join(map(str, (*above[above.index(path) :], path)))
        raise ConfigError(
            f"{above[0]} can't be read: a config inherits itself, {circle}. Take one `_base_` out of the circle"
        )
    if path.suffix != ".py" or not path.is_file():
        return
    text = read_text(path)
    try:
        bases = bases_of(path)
        if _is_lazy(text):
            raise ConfigError(
                f"{path} is a lazy config (read_base), which this toolkit doesn't read; name its bases in `_base_`"
            )
    except (SyntaxError, ValueError, MissingFileError) as error:
        if isinstance(error, ConfigError):
            raise
        # Reading the config says what is wrong with it.
        return
    for base in bases:
        _check_bases(base, (*above, path))


def _is_lazy(text: str) -> bool:
    """Whether a config imports or calls MMEngine's `read_base`, under whatever name."""
    nodes = list(ast.walk(ast.parse(text)))
    names = {node.name for node in nodes if isinstance(node, ast.alias)}
    return "read_base" in names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def run_name(cfg: Config) -> str:
    """Returns the name of a run of a config, which is that of its work directory: `gated_busi_fold0` for the recipe `gated`.

    A recipe may state another pattern as `run_name`; {stem} is the file's name, {set} the set's, {fold} "fold3", or "shared" for
    all folds. A config that is no recipe, or an alias, has the name of its file.
    """
    stem = Path(cfg.filename).stem
    if "alias" in cfg or "set_name" not in cfg:
        return stem
    fold = "shared" if cfg.fold is None else f"fold{cfg.fold}"
    return cfg.get("run_name", "{stem}_{set}_{fold}").format(stem=stem, set=cfg.set_name, fold=fold)


def recipe_name(cfg: Config) -> str:
    """Returns the name of a recipe's file without its suffix; of an alias, that of the recipe that it stands for."""
    path = Path(cfg.filename)
    return (bases_of(path)[0] if "alias" in cfg else path).stem


def find_set_file(set: str, config: Path) -> Path:
    """Returns the file that describes a set.

    Args:
        set: its name, or the path of the file.
        config: names are looked up in the nearest `_base_/datasets` above it, then in that of the recipe that it inherits
            from.

    Raises:
        ConfigError: there is no such set or file; the known sets are listed.
    """
    if _is_path(set):
        if Path(set).is_file():
            return Path(set).resolve()
        raise ConfigError(f"--set {set}: there is no such file; give a file like configs/_base_/datasets/busi.py")
    folders = dict.fromkeys((_folder_above(config), dataset_folder(config)))
    files = [file for folder in folders for file in sorted(folder.glob("*.py"))]
    for file in files:
        if file.stem == set:
            return file
    raise ConfigError(
        f"--set {set}: {' and '.join(map(str, folders))} has no {set}.py; the sets are "
        f"{', '.join(sorted({file.stem for file in files}))}. A set of your own is one such file, here or anywhere "
        "(--set PATH.py)"
    )


def _is_path(set: str) -> bool:
    return set.endswith(".py") or os.sep in set


def _keep_path(cfg: Config, file: str) -> None:
    """Notes where the file of a set lies, for whoever reads the recipe again, also by the commands of `made_by`."""
    cfg.set_file = file
    if cfg.get("made_by"):
        named = re.compile(rf"--set {re.escape(cfg.set_name)}(?=\s|$)")
        cfg.made_by = {path: named.sub(lambda _: f"--set {file}", command) for path, command in cfg.made_by.items()}


def dataset_folder(config: Path) -> Path:
    """Returns the `_base_/datasets` beside the recipe that names its set, which a config is or inherits from."""
    return _folder_above(_taker_of_set(config) or config)


def _folder_above(config: Path) -> Path:
    """The nearest `_base_/datasets` above a file; where there is none, the shipped one."""
    folders = (*config.resolve().parents, shipped_configs())
    return next(folder / _DATASETS for folder in folders if (folder / _DATASETS).is_dir())


def _taker_of_set(config: Path) -> Path | None:
    """The first file, of a config and those that it inherits from, that has the set as a parameter."""
    if not config.is_file():
        return None
    if f"${SET}:" in config.read_text(encoding="utf-8"):
        return config
    return next(filter(None, map(_taker_of_set, bases_of(config))), None)


def bases_of(path: Path) -> list[Path]:
    """Returns the files that a config names as `_base_`, with variables of the environment filled in.

    Raises:
        MissingFileError: one with the prefix "ultraref::" isn't shipped.
        ConfigError: `_base_` is something else.
    """
    text = _VARIABLE.sub(lambda match: os.environ.get(match[1], match[2]), path.read_text(encoding="utf-8"))
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", None) == "_base_":
            bases = ast.literal_eval(statement.value)
            if not isinstance(bases, (str, list, tuple)) or not all(isinstance(base, str) for base in bases):
                raise ConfigError(
                    f"{path}: _base_ is {shown_value(bases)}; it is the path of a config, or a list of them"
                )
            return [resolve_base(base, path.parent) for base in ([bases] if isinstance(bases, str) else bases)]
    return []


def _checked_fold(fold: int | str | None) -> str | None:
    if fold is None or str(fold) == ALL_FOLDS or str(fold).isdecimal():
        return None if fold is None else str(fold)
    raise ConfigError(f"--fold {fold}: a fold is a number from 0 on, or {ALL_FOLDS!r}")


@contextmanager
def reading_with(path: str | Path, set: str | Path | None, fold: int | str | None) -> Iterator[None]:
    """While it lasts, `Config.fromfile` reads the config at `path` with this set and fold; None leaves one as it is. And it
    knows bases of the shipped configs.

    Raises:
        ConfigError: there is no such set.
    """
    values = {FOLD: None if fold is None else str(fold)}
    if set is not None:
        # Recipes write "../_base_/datasets/{{$ULTRAREF_SET:busi}}.py".
        file = find_set_file(str(set), Path(path))
        values[SET] = os.path.relpath(file.with_suffix(""), dataset_folder(Path(path)))
    with _environment(values), _quiet(), _shipped_bases():
        yield


def parameters_of(cfg: Config) -> tuple[str | None, str | None]:
    """Returns the set and the fold that a config was read with, as `read_recipe` takes them; None for a config without."""
    if "fold" not in cfg or "set_name" not in cfg:
        return None, None
    return cfg.get("set_file", cfg.set_name), ALL_FOLDS if cfg.fold is None else str(cfg.fold)


def _read(path: Path, set: str | None, fold: int | str | None) -> Config:
    _check_known(path, set)
    try:
        with reading_with(path, set, fold):
            return Config.fromfile(path)
    except ImportError as error:
        raise ConfigError(f"{path}: custom_imports: {_compat.explain_missing(error)}") from error
    except FileNotFoundError as error:
        raise ConfigError(f"{path} inherits a file that does not exist: {error}") from error
    except (SyntaxError, KeyError, AttributeError, NameError, TypeError) as error:
        # Configs are programs; a recipe looks up what the file of a set says.
        advice = (
            ". The file of one set states set_name, data_root and sets; that of several, as all.py, has no data_root, and only "
            "recipes of phase 2 take it"
        )
        about_set = set is not None and isinstance(error, (KeyError, AttributeError))
        raise ConfigError(
            f"{path} can't be read{f' for set {set}' if set else ''}: {type(error).__name__}: {error}{advice if about_set else ''}"
        ) from error
    except UserError:
        raise
    except Exception as error:
        # Whatever else the program that a config is may raise.
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(f"{path} can't be read: {type(error).__name__}: {reason}{_line_of(error)}") from error


def _line_of(error: BaseException) -> str:
    """Where in a config an error came from, in words; nothing where it came from elsewhere."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.name == "<module>"]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def _check_known(path: Path, set: str | None) -> None:
    """Refuses a set that a recipe has no file of its own for: those of the quick start know a few."""
    if set is None:
        return
    text = path.read_text(encoding="utf-8")
    for place in re.findall(rf"((?:{PREFIX})?[\w./]*/)\{{\{{\${SET}:\w+\}}\}}\.py", text):
        folder = resolve_base(place, path.parent)
        known = sorted(file.stem for file in folder.glob("*.py"))
        if folder != dataset_folder(path).resolve() and set not in known:
            raise ConfigError(f"{path} takes the sets {', '.join(known)}, but --set is {set}")
    for name in re.findall(r"""_base_ = ["']([^"'{]+\.py)["']""", text):
        base = resolve_base(name, path.parent)
        if base.is_file():
            _check_known(base, set)


def _check_chosen(cfg: Config, path: Path, set: str | None, fold: str | None) -> None:
    """Refuses a set or a fold that the config doesn't take."""
    if set is not None and cfg.get("set_name") != Path(set).stem:
        found = f"has set_name {cfg.set_name!r}" if "set_name" in cfg else "is no recipe that takes a set"
        raise ConfigError(
            f"{path}: --set {set} was asked for, but the config {found}; the file of a set states its own name as set_name"
        )
    if fold is not None and "fold" not in cfg:
        raise ConfigError(f"{path}: --fold {fold} was asked for, but this config is no recipe that takes a fold")
    val = cfg.get("val_dataloader")
    if fold == ALL_FOLDS and val is not None and val.dataset.get("fold") is None:
        raise ConfigError(
            f"{path}: --fold {ALL_FOLDS} is for recipes of phase 2, which say on what they validate then; give one fold"
        )


@contextmanager
def _environment(values: dict[str, str | None]) -> Iterator[None]:
    """Sets environment variables for a while; None leaves one as it is."""
    values = {name: value for name, value in values.items() if value is not None}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _shipped_bases() -> Iterator[None]:
    """Has MMEngine resolve a `_base_` with the prefix "ultraref::".

    Its own `package::` looks into the folders that its package manager `mim` makes, and knows OpenMMLab's packages alone.
    """
    own = Config._get_cfg_path

    def get_cfg_path(base: str, filename: str) -> tuple[str, str | None]:
        # The second is the scope of registries that the base is written for: none of its own.
        return (str(resolve_base(base, Path())), None) if base.startswith(PREFIX) else own(base, filename)

    Config._get_cfg_path = staticmethod(get_cfg_path)
    try:
        yield
    finally:
        Config._get_cfg_path = staticmethod(own)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps MMEngine from logging a line for each variable that it fills in."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)
