"""From a config file and options to a checked config."""

from pathlib import Path

from mmengine.config import Config

from ultraref.engine.config_check import ConfigError, check_cfg_options, check_config
from ultraref.engine.config_origin import NAMED_PARTS, find_unknown_parts, leaves
from ultraref.engine.recipe import parameters_of, read_recipe, reading_with, recipe_name, run_name


def load_config(
    path: str | Path,
    cfg_options: dict | None = None,
    work_dir: str | Path | None = None,
    *,
    set: str | Path | None = None,
    fold: int | str | None = None,
) -> Config:
    """Reads a config, applies options, checks every component name and argument, and settles the work directory.

    Args:
        path: config file, or the name of a shipped recipe: "phase3/gated.py".
        cfg_options: dotted key -> value, as MMEngine's `--cfg-options` gives them. A key that the config, or the component that
            it would change, doesn't have is refused.
        work_dir: where results go; by default what the config says, else work_dirs/<name of the run>, such as
            work_dirs/gated_busi_fold0.
        set: the set of images, of a recipe: see `read_recipe`.
        fold: the fold that is held out, of a recipe, or "all".

    Raises:
        FileNotFoundError: there is no such config.
        ultraref.engine.config_check.ConfigError: a name or key is unknown, a module of `custom_imports` can't be
            imported, or the set or fold doesn't fit the config, or the file is a protocol.
    """
    cfg = read_recipe(path, set, fold)
    path = cfg.filename
    if "model" not in cfg and {"sets", "phase3"} <= cfg.keys():
        raise ConfigError(f"{path} is a protocol, no recipe; run it with python tools/run_protocol.py {path}")
    if any(value is None and len(key) > 1 and key[-2] in NAMED_PARTS for key, value in leaves(cfg.to_dict())):
        with reading_with(path, *parameters_of(cfg)):
            unknown = find_unknown_parts(path)
        if unknown:
            raise ConfigError(f"{path}:\n" + "\n".join(f"- {line}" for line in unknown))
    if cfg_options:
        check_cfg_options(cfg, cfg_options)
        cfg.merge_from_dict(cfg_options)
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get("work_dir") is None:
        cfg.work_dir = str(Path("work_dirs") / run_name(cfg))
    if (
        cfg.get("predictions_root") is None
        and "set_name" in cfg
        and cfg.get("model", {}).get("type") == "CoarseSegmentor"
    ):
        # Named after the recipe that makes them, so that those of an ablation never replace the recipe's own.
        cfg.predictions_root = f"work_dirs/predictions/{recipe_name(cfg)}_{cfg.set_name}"
    check_config(cfg)
    return cfg
