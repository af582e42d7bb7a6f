"""The arguments of every command that reads a config."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config


class CfgOptions(argparse.Action):
    """MMEngine's `DictAction`, which fails with a traceback on a word without `=`, and is imported when it is needed."""

    def __call__(self, parser, namespace, values, option_string=None):
        """Refuses such a word with the parser's own message."""
        for value in values:
            if "=" not in value:
                parser.error(f"{option_string} takes KEY=VALUE, but got {value!r}")
        from mmengine.config import DictAction

        DictAction(self.option_strings, self.dest)(parser, namespace, values, option_string)


def add_config_arguments(parser: argparse.ArgumentParser, config_help: str = "config file") -> None:
    """Adds what every command that reads a config takes: the file, --set, --fold and --cfg-options."""
    parser.add_argument("config", help=config_help)
    parser.add_argument(
        "--set", metavar="SET", help="the images, of a recipe: a name in configs/_base_/datasets, or a file like those"
    )
    parser.add_argument("--fold", metavar="FOLD", help="the fold that is held out, of a recipe: 0, 1, ... or all")
    parser.add_argument(
        "--cfg-options", nargs="+", action=CfgOptions, metavar="KEY=VALUE", help="change keys of the config"
    )


def config_from(args: argparse.Namespace, work_dir: str | None = None) -> "Config":
    """Loads the config that the arguments of `add_config_arguments` name."""
    from ultraref.apis import load_config

    return load_config(args.config, args.cfg_options, work_dir, set=args.set, fold=args.fold)
