"""A config as text, with the file that set each key."""

from mmengine.config import Config

from ultraref.engine.config_check import ConfigError
from ultraref.engine.config_origin import ConfigOrigins, leaves
from ultraref.engine.recipe import parameters_of, reading_with


def format_config(
    cfg: Config, only: str = "", set: str | None = None, fold: int | str | None = None, options: dict | None = None
) -> str:
    """Returns a line for each value of a config: `model.gate.gate_max = 0.5    configs/phase3/gated.py`.

    Args:
        cfg: a config from `load_config`.
        only: dotted key; its value, or what is below it, alone.
        set, fold, options: what the config was loaded with; a value that `options` set is marked "--cfg-options".

    Raises:
        ConfigError: the config has no key `only`.
    """
    set, fold = parameters_of(cfg) if set is None and fold is None else (set, fold)
    with reading_with(cfg.filename, set, fold):
        origins = ConfigOrigins(cfg.filename, list(options or {}))
    rows = []
    for path, value in leaves(cfg.to_dict()):
        dotted = ".".join(path)
        if dotted == only or dotted.startswith(f"{only}." if only else ""):
            # Settled by `load_config`, from the names of recipe, set and fold.
            is_settled = len(path) == 1 and not origins.is_in_files(path[0])
            origin = "name of the run" if is_settled else origins.of(path, value)
            rows.append((f"{dotted} = {value!r}", origin))
    if not rows:
        raise ConfigError(f"{cfg.filename} has no key {only!r}; its keys are {', '.join(sorted(cfg.keys()))}")
    width = min(100, max(len(left) for left, _ in rows))
    return "\n".join(f"{left:<{width}}  {right}" for left, right in rows)
