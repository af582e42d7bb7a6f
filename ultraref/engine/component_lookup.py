"""Finding components by name, and what their constructors take."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator

import mmengine.dataset
import mmengine.evaluator
import mmengine.hooks
import mmengine.model
import mmengine.optim
import mmengine.registry
import mmengine.runner
import mmengine.visualization
from mmengine.registry import Registry

from ultraref.registry import ALL_REGISTRIES, DATASETS

_MMENGINE = {name: value for name, value in vars(mmengine.registry).items() if isinstance(value, Registry)}
# Name -> registry; ours take the place of MMEngine's of the same name, which they look into as well.
REGISTRIES: dict[str, Registry] = {**_MMENGINE, **ALL_REGISTRIES}

# The registry that the last word of a config key suggests, for the list of known names.
_SUGGESTED = {
    "MODELS": ("model", "data_preprocessor", "network", "encoder", "decoder", "backbone", "sam")
    + ("image_encoder", "mask_decoder"),
    "COARSE_SOURCES": ("coarse_source",),
    "REFINERS": ("refiner",),
    "ROI_CROPPERS": ("roi", "roi_cropper", "cropper"),
    "PROB_TRANSFORMS": ("prob_transforms", "prob_transform"),
    "PROMPT_GENERATORS": ("prompts", "prompt_generators", "prompt_generator"),
    "PROMPT_PREDICTORS": ("prompt_predictor",),
    "GATES": ("gate", "uncertainty", "learned"),
    "LOSSES": ("loss", "losses"),
    "MASK_ERRORS": ("augmentor", "mask_errors", "errors", "weights"),
    "DATASETS": ("dataset", "datasets"),
    "DATA_SAMPLERS": ("sampler", "batch_sampler"),
    "TRANSFORMS": ("pipeline", "train_pipeline", "eval_pipeline", "stored", "simulated", "transforms"),
    "METRICS": ("val_evaluator", "test_evaluator", "metrics", "measures"),
    "HOOKS": ("default_hooks", "custom_hooks"),
    "LOOPS": ("train_cfg", "val_cfg", "test_cfg"),
    "OPTIM_WRAPPERS": ("optim_wrapper",),
    "OPTIM_WRAPPER_CONSTRUCTORS": ("constructor",),
    "OPTIMIZERS": ("optimizer",),
    "PARAM_SCHEDULERS": ("param_scheduler",),
    "RUNNERS": ("runner_type",),
    "VISUALIZERS": ("visualizer",),
    "VISBACKENDS": ("vis_backends",),
    "LOG_PROCESSORS": ("log_processor",),
    "FUNCTIONS": ("collate_fn", "worker_init_fn"),
    "MODEL_WRAPPERS": ("model_wrapper_cfg",),
}
_BY_KEY = {key: registry for registry, keys in _SUGGESTED.items() for key in keys}


def suggested_registry(path: list[str]) -> str | None:
    """Returns the name of the registry that a component at a config path is looked up in, as far as its keys tell.

    ["custom_hooks", "0"] gives "HOOKS"; indices are skipped, and so is the name of a default hook.
    """
    words = [word for word in path if not word.isdigit()]
    for word in reversed(words[-2:]):
        if word in _BY_KEY:
            return _BY_KEY[word]
        if "loss" in word:
            return "LOSSES"
    return None


def known_components(registry: str) -> dict[str, Callable]:
    """Returns name -> component of a registry, those of the MMEngine registry behind it included."""
    current: Registry | None = REGISTRIES[registry]
    found: dict[str, Callable] = {}
    while current is not None:
        current.import_from_location()
        found = {**current.module_dict, **found}
        current = current.parent
    return found


def find_components(name: str, path: list[str]) -> list[Callable]:
    """Returns what `name`, the `type` at a config path, may mean: none, one, or several of different registries.

    The registry that the path suggests comes first. A name may have a scope ("mmengine.EMAHook") or be the import path
    of a class or function ("torch.nn.GELU").
    """
    scope, _, bare = name.rpartition(".")
    names = [bare] if scope in ("mmengine", "ultraref", "mmcv") else [name]
    suggested = suggested_registry(path)
    order = sorted(REGISTRIES, key=lambda registry: registry != suggested)
    found = [known_components(registry).get(names[0]) for registry in order]
    unique = list({id(component): component for component in found if component is not None}.values())
    if not unique and scope:
        unique = list(_import(scope, bare))
    return unique


def _import(module: str, name: str) -> Iterator[Callable]:
    try:
        component = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return
    if callable(component):
        yield component


def accepted_arguments(component: Callable) -> tuple[list[str], bool]:
    """Returns the keyword arguments that a component takes, and whether it takes any other as well.

    A class that hands its `**kwargs` to `super().__init__` takes what the next class in line takes.
    """
    if not inspect.isclass(component):
        return _parameters(component)
    names: list[str] = []
    for owner in component.__mro__:
        if "__init__" not in vars(owner):
            continue
        if owner is object:
            return names, False
        own, is_open = _parameters(owner.__init__)
        names += [name for name in own if name != "self" and name not in names]
        if not is_open:
            return names, False
        if not _hands_on_kwargs(owner):
            return names, True
    return names, False


def pass_on(dataset, arguments: dict) -> None:
    """Adds arguments to the config of a data set where its class takes them, and they are neither given there nor None."""
    if not isinstance(dataset, dict):
        return
    component = DATASETS.get(dataset["type"]) if isinstance(dataset["type"], str) else dataset["type"]
    taken = () if component is None else accepted_arguments(component)[0]
    for name, value in arguments.items():
        if name in taken and value is not None and dataset.get(name) is None:
            dataset[name] = value


def _parameters(function: Callable) -> tuple[list[str], bool]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):  # a builtin without a signature
        return [], True
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in parameters if p.kind in named], any(p.kind is p.VAR_KEYWORD for p in parameters)


def _hands_on_kwargs(owner: type) -> bool:
    try:
        source = inspect.getsource(owner.__init__)
    except (OSError, TypeError):
        return False
    return re.search(r"super\([^)]*\)\s*\.__init__\([^)]*\*\*\w+", source) is not None


def summary(component: Callable) -> str:
    """Returns the first sentence or line of a component's docstring."""
    doc = inspect.getdoc(component) or ""
    return doc.split("\n\n")[0].replace("\n", " ").strip()
