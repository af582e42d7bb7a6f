"""From a config file and command-line options to a checked config."""

import argparse
from pathlib import Path

from mmengine.config import Config, DictAction

from ultraref.engine.config_check import check_cfg_options, check_config
from ultraref.engine.recipe import read_recipe, run_name


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
        path: config file.
        cfg_options: dotted key -> value, as MMEngine's `--cfg-options` gives them. A key that the config, or the component that
            it would change, doesn't have is refused.
        work_dir: where results go; by default what the config says, else work_dirs/<name of the run>, such as
            work_dirs/gated_busi_fold0.
        set: the set of images, of a recipe: see `read_recipe`.
        fold: the fold that is held out, of a recipe, or "all".

    Raises:
        FileNotFoundError: there is no such config.
        ultraref.engine.config_check.ConfigError: a name or key is unknown, a module of `custom_imports` can't be
            imported, or the set or fold doesn't fit the config.
    """
    cfg = read_recipe(path, set, fold)
    if cfg_options:
        check_cfg_options(cfg, cfg_options)
        cfg.merge_from_dict(cfg_options)
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get("work_dir") is None:
        cfg.work_dir = str(Path("work_dirs") / run_name(cfg))
    check_config(cfg)
    return cfg


def add_config_arguments(parser: argparse.ArgumentParser, config_help: str = "config file") -> None:
    """Adds what every command that reads a config takes: the file, --set, --fold and --cfg-options."""
    parser.add_argument("config", help=config_help)
    parser.add_argument(
        "--set", metavar="SET", help="the images, of a recipe: a name in configs/_base_/datasets, or a file like those"
    )
    parser.add_argument("--fold", metavar="FOLD", help="the fold that is held out, of a recipe: 0, 1, ... or all")
    parser.add_argument(
        "--cfg-options", nargs="+", action=DictAction, metavar="KEY=VALUE", help="change keys of the config"
    )


def config_from(args: argparse.Namespace, work_dir: str | None = None) -> Config:
    """Loads the config that the arguments of `add_config_arguments` name."""
    return load_config(args.config, args.cfg_options, work_dir, set=args.set, fold=args.fold)
