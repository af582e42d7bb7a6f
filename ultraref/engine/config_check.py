"""Finds mistakes in a config before anything is built: unknown components, arguments and keys."""

import inspect
from collections.abc import Iterator
from difflib import get_close_matches

from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, LogProcessor, Runner, TestLoop, ValLoop
from mmengine.utils import import_modules_from_strings
from mmengine.utils.dl_utils import set_multi_processing
from torch.utils.data import DataLoader

from ultraref import _compat
from ultraref.engine.component_lookup import (
    accepted_arguments,
    find_components,
    known_components,
    suggested_registry,
)
from ultraref.errors import UserError

# Keys of a config that MMEngine or this toolkit reads.
TOP_LEVEL_KEYS = {
    *(name for name in inspect.signature(Runner.__init__).parameters if name not in ("self", "cfg")),
    *("runner_type", "custom_imports", "model_wrapper_cfg", "find_unused_parameters", "sync_bn", "compile"),
    *("activation_checkpointing", "efficient_conv_bn_eval", "made_by", "predictions_root", "tta_model"),
}
_DATALOADER_KEYS = {
    *(name for name in inspect.signature(DataLoader.__init__).parameters if name != "self"),
    *("num_batch_per_epoch", "disable_subprocess_warning"),
}
# Arguments of a loop that the runner fills in.
_FILLED_IN = {"runner", "dataloader", "evaluator"}
# Dicts without a `type`: what may stand in them.
_PLAIN_DICTS = {
    "train_dataloader": _DATALOADER_KEYS,
    "val_dataloader": _DATALOADER_KEYS,
    "test_dataloader": _DATALOADER_KEYS,
    "train_cfg": {"by_epoch", *accepted_arguments(EpochBasedTrainLoop)[0]} - _FILLED_IN,
    "val_cfg": set(accepted_arguments(ValLoop)[0]) - _FILLED_IN,
    "test_cfg": set(accepted_arguments(TestLoop)[0]) - _FILLED_IN,
    "optim_wrapper": {"optimizer", "constructor", "paramwise_cfg", *accepted_arguments(OptimWrapper)[0]},
    "log_processor": set(accepted_arguments(LogProcessor)[0]),
    "model_wrapper_cfg": {*accepted_arguments(MMDistributedDataParallel)[0]}
    | set(accepted_arguments(MMDistributedDataParallel.__mro__[1])[0]),
    "randomness": {"seed", "diff_rank_seed", "deterministic"},
    "env_cfg": {"cudnn_benchmark", "mp_cfg", "dist_cfg", "resource_limit"},
    "env_cfg.mp_cfg": {name for name in inspect.signature(set_multi_processing).parameters if name != "distributed"},
    "custom_imports": {"imports", "allow_failed_imports"},
    "auto_scale_lr": {"enable", "base_batch_size"},
}
_DEFAULT_HOOKS = {"runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint", "unfreezing"}
# Arguments that the code which builds a component takes out, or puts in, by the registry it is of.
_EXTRA_ARGUMENTS = {
    "HOOKS": {"priority"},
    "MASK_ERRORS": {"weight"},
    "OPTIM_WRAPPERS": {"constructor", "paramwise_cfg", "optimizer"},
    "PARAM_SCHEDULERS": {"convert_to_iter_based"},
    "VISUALIZERS": {"name", "save_dir"},
}
# Variables of a recipe that are parameters, and the options that give them.
_PARAMETERS = {"set_name": "--set", "fold": "--fold"}
# Their `type` is not the name of a component.
_NO_COMPONENTS = ("clip_grad", "made_by")


class ConfigError(UserError):
    """A config, or an option for it, is wrong. The message lists every problem with its config path."""


def check_config(cfg: Config) -> None:
    """Checks the names and arguments of all components of a config, and its top-level keys. Builds nothing.

    Modules of `custom_imports` are imported first. A top-level variable that isn't a key of the runner is fine as long
    as it isn't close to one, and, if it is a component, one of the same type is used under a key that the runner reads.

    Raises:
        ConfigError: lists all problems: config path, what was found, the nearest names, and what is allowed.
    """
    imports = cfg.get("custom_imports")
    if imports:
        try:
            import_modules_from_strings(**imports)
        except (ImportError, TypeError) as error:
            reason = _compat.explain_missing(error) if isinstance(error, ImportError) else str(error)
            raise ConfigError(f"custom_imports: {reason}") from error
    problems = list(_check_top_level(cfg))
    if isinstance(cfg.get("runner_type"), str):
        problems += _unknown_name(["runner_type"], cfg.runner_type)
    for path, node in _walk(dict(cfg.items()), []):
        problems += _check_node(path, node)
    if problems:
        raise ConfigError(f"{cfg.filename or 'config'}:\n" + "\n".join(f"- {problem}" for problem in problems))


def check_cfg_options(cfg: Config, options: dict) -> None:
    """Checks `--cfg-options` against the config they are going to change.

    Args:
        cfg: the config, before the options are merged.
        options: dotted key -> value. An item of a list is named by its index.

    Raises:
        ConfigError: a key's parent isn't in the config, or the key is neither in it nor an argument of the component
            that the parent describes; or a list would take the place of a text.
    """
    problems = [
        problem
        for key, value in (options or {}).items()
        for problem in _check_option(cfg, key) + _check_value(cfg, key, value)
    ]
    if problems:
        raise ConfigError("--cfg-options:\n" + "\n".join(f"- {problem}" for problem in problems))


def _walk(node, path: list[str]) -> Iterator[tuple[list[str], dict]]:
    """Yields all dicts below `node` with their paths."""
    if path and path[-1] in _NO_COMPONENTS:
        return
    if isinstance(node, dict):
        if path:
            yield path, node
        for key, value in node.items():
            yield from _walk(value, [*path, str(key)])
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _walk(value, [*path, str(index)])


def _check_node(path: list[str], node: dict) -> list[str]:
    where = ".".join(path)
    problems = []
    if isinstance(node.get("constructor"), str):
        problems += _unknown_name([*path, "constructor"], node["constructor"])
    name = node.get("type")
    if name is None and len(path) == 2 and path[0] in ("default_hooks", "custom_hooks"):
        return [f"{where}: a hook needs a type{_hint(path[1], _DEFAULT_HOOKS, 'the default hooks are')}"]
    if isinstance(name, str):
        unknown = _unknown_name(path, name, key="type")
        if unknown:
            return problems + unknown
    elif name is None and where not in _PLAIN_DICTS:
        return problems
    allowed = _allowed_keys(path, node)
    if allowed is not None:
        owner = name if isinstance(name, str) else getattr(name, "__name__", where)
        for key in node:
            if key not in allowed and key not in ("type", "_scope_"):
                problems.append(f"{where}.{key}: {owner} has no argument {key!r}{_hint(key, allowed, 'it takes')}")
    for key in _default_item_types(path, node):
        for index, item in enumerate(_with_default_types(path, node, key)):
            if isinstance(item, dict) and "type" not in node[key][index]:
                problems += _check_node([*path, key, str(index)], item)
    return problems


def _default_item_types(path: list[str], node: dict) -> dict[str, str]:
    """The arguments of a component whose items need no `type`, and what they are without one."""
    name = node.get("type")
    component = next(iter(find_components(name, path)), None) if isinstance(name, str) else name
    types = getattr(component, "DEFAULT_ITEM_TYPES", {})
    return {key: item_type for key, item_type in types.items() if isinstance(node.get(key), (list, tuple))}


def _with_default_types(path: list[str], node: dict, key: str):
    """Returns node[key]; a list of items that need no `type` with their types filled in."""
    types = _default_item_types(path, node)
    if key not in types:
        return node[key]
    return [{"type": types[key], **item} if isinstance(item, dict) else item for item in node[key]]


def _unknown_name(path: list[str], name: str, key: str | None = None) -> list[str]:
    if find_components(name, path):
        return []
    where = ".".join([*path, key] if key else path)
    registry = suggested_registry(path)
    known = sorted(known_components(registry)) if registry else []
    everywhere = known or sorted({n for r in ("MODELS", "HOOKS", "TRANSFORMS") for n in known_components(r)})
    near = get_close_matches(name, everywhere, n=3, cutoff=0.5)
    lines = [f"{where}: {name!r} is not registered"]
    if near:
        lines.append(f"did you mean {' or '.join(near)}?")
    if registry:
        lines.append(f"{registry} has {', '.join(known)}.")
    lines.append(
        "A component of your own must be imported: custom_imports = dict(imports=['module_that_registers_it'])"
    )
    return [" ".join([lines[0] + ";", *lines[1:]])]


def _allowed_keys(path: list[str], node: dict) -> set[str] | None:
    """The keys that may stand in a dict of a config; None where anything may."""
    name = node.get("type")
    if name is None:
        return _PLAIN_DICTS.get(".".join(path))
    # A name that several registries hold means the first, which the path suggests.
    component = next(iter(find_components(name, path)), None) if isinstance(name, str) else name
    names, is_open = ([], True) if component is None else accepted_arguments(component)
    return None if is_open else {*names, *_EXTRA_ARGUMENTS.get(suggested_registry(path), ())}


def _check_top_level(cfg: Config) -> Iterator[str]:
    used_types = {
        str(node["type"]) for path, node in _walk(dict(cfg.items()), []) if path[0] in TOP_LEVEL_KEYS and "type" in node
    }
    for key, value in cfg.items():
        if key in TOP_LEVEL_KEYS:
            continue
        near = get_close_matches(key, sorted(TOP_LEVEL_KEYS), n=2, cutoff=0.8)
        if near:
            yield f"{key}: not a key that the runner reads; did you mean {' or '.join(near)}?"
        elif isinstance(value, dict) and "type" in value and str(value["type"]) not in used_types:
            yield (
                f"{key}: not a key that the runner reads, and no {value['type']} is used under one that it does; "
                f"the runner reads {', '.join(sorted(TOP_LEVEL_KEYS))}"
            )


def _check_option(cfg: Config, dotted: str) -> list[str]:
    node, path = dict(cfg.items()), []
    root = dotted.split(".")[0]
    if root in _PARAMETERS:
        return [f"{dotted}: the {root} of a recipe is chosen while it is read: give {_PARAMETERS[root]}"]
    if root in node and root not in TOP_LEVEL_KEYS:
        return [
            f"{dotted}: {root} is a helper variable of the config, whose value has been copied to where it is used, so that "
            f"changing it would do nothing; set the place itself{_places(cfg, root)}"
        ]
    *parents, last = dotted.split(".")
    for part in parents:
        child = _child(node, part)
        if child is None:
            return [_no_such_key(dotted, path, part, node)]
        node, path = _with_default_types(path, node, part) if isinstance(node, dict) else child[0], [*path, part]
        if not isinstance(node, (dict, list, tuple)):
            return [f"{dotted}: {'.'.join(path)} is {node!r}, which has no {last!r} in it"]
    if _child(node, last) is not None:
        return []
    if not path:
        known = {*TOP_LEVEL_KEYS, *node}
        return [] if last in known else [_no_such_key(dotted, path, last, dict.fromkeys(known))]
    if isinstance(node, dict):
        allowed = _allowed_keys(path, node)
        if "type" in node or ".".join(path) in _PLAIN_DICTS:
            if allowed is None or last in allowed:
                return []
            owner = node.get("type", ".".join(path))
            return [f"{dotted}: {owner} has no argument {last!r}{_hint(last, allowed | set(node), 'it takes')}"]
    return [_no_such_key(dotted, path, last, node)]


def _check_value(cfg: Config, dotted: str, value) -> list[str]:
    """Refuses a list in the place of a text, which is what a path with a comma in it becomes."""
    node = dict(cfg.items())
    for part in dotted.split("."):
        child = _child(node, part)
        if child is None:
            return []
        node = child[0]
    if not isinstance(node, str) or not isinstance(value, (list, tuple)):
        return []
    return [
        f"{dotted}: is the text {node!r}, but {value!r} is a list, as commas and brackets make one; put a text that has them into "
        f"quotes of its own: --cfg-options \"{dotted}='...'\""
    ]


def _places(cfg: Config, variable: str) -> str:
    """Where the value of a variable stands under keys that the runner reads."""
    found = [
        ".".join([*path, str(key)])
        for path, node in _walk(dict(cfg.items()), [])
        if path[0] in TOP_LEVEL_KEYS
        for key, value in node.items()
        if cfg[variable] is not None and value == cfg[variable]
    ]
    return f": {', '.join(found[:3])}" if found else ""


def _child(node, part: str) -> tuple | None:
    """Returns the item of a dict or list in a tuple, None if there is none."""
    if isinstance(node, dict):
        return (node[part],) if part in node else None
    if isinstance(node, (list, tuple)) and part.lstrip("-").isdigit() and -len(node) <= int(part) < len(node):
        return (node[int(part)],)
    return None


def _no_such_key(dotted: str, path: list[str], part: str, node) -> str:
    where = f"{'.'.join(path)} has" if path else "the config has"
    if isinstance(node, (list, tuple)):
        return f"{dotted}: {where} {len(node)} items, numbered from 0, and no item {part!r}"
    return f"{dotted}: {where} no {part!r}{_hint(part, set(node), 'there are')}"


def _hint(name: str, allowed: set[str], phrase: str) -> str:
    names = sorted(str(item) for item in allowed)
    near = get_close_matches(name, names, n=3, cutoff=0.6)
    return (f"; did you mean {' or '.join(near)}?" if near else ";") + f" {phrase} {', '.join(names) or 'nothing'}"
