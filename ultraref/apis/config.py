"""From a config file and command-line options to a checked config."""

from pathlib import Path

from mmengine.config import Config

from ultraref import _compat
from ultraref.engine.config_check import ConfigError, check_cfg_options, check_config


def load_config(path: str | Path, cfg_options: dict | None = None, work_dir: str | Path | None = None) -> Config:
    """Reads a config, applies options, checks every component name and argument, and settles the work directory.

    Args:
        path: config file.
        cfg_options: dotted key -> value, as MMEngine's `--cfg-options` gives them. A key that the config, or the component that
            it would change, doesn't have is refused.
        work_dir: where results go; by default what the config says, else work_dirs/<config name>.

    Raises:
        FileNotFoundError: there is no such config.
        ultraref.engine.config_check.ConfigError: a name or key is unknown, or a module of `custom_imports` can't be imported.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"config {path} does not exist; the shipped ones are under configs/")
    if path.suffix != ".py":
        raise ValueError(f"config {path} is no Python file; the shipped ones are configs/*/*.py")
    try:
        cfg = Config.fromfile(path)
    except ImportError as error:
        raise ConfigError(f"{path}: custom_imports: {_compat.explain_missing(error)}") from error
    if cfg_options:
        check_cfg_options(cfg, cfg_options)
        cfg.merge_from_dict(cfg_options)
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get("work_dir") is None:
        cfg.work_dir = str(Path("work_dirs") / path.stem)
    check_config(cfg)
    return cfg
