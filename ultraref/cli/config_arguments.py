"""The arguments of every command that reads a config."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config

_QUOTES = ("'", '"')


class CfgOptions(argparse.Action):
    """KEY=VALUE as MMEngine's `DictAction` has it: numbers, True, False, None, lists 1,2 or [1,2], tuples (1,2), other text as it is.

    A text in quotes of its own is taken as it stands, so that it may hold commas and brackets. `DictAction` itself drops spaces, and
    fails with a traceback on a word without `=` or with half a bracket. It is imported when it is needed.
    """

    def __call__(self, parser, namespace, values, option_string=None):
        """Adds the options; refuses what can't be read with the parser's own message."""
        options = dict(getattr(namespace, self.dest, None) or {})
        for option in values:
            key, sign, text = option.partition("=")
            if not sign or not key:
                parser.error(f"{option_string} takes KEY=VALUE, but got {option!r}")
            try:
                options[key] = read_value(text)
            except (AssertionError, ValueError, RecursionError) as error:
                reason = " ".join(str(error).split()) or "it can't be read"
                parser.error(
                    f"{option_string} {option!r}: {reason}; put a text with brackets into quotes: \"{key}='...'\""
                )
        setattr(namespace, self.dest, options)


def read_value(text: str):
    """Returns the value that the text after KEY= stands for."""
    from mmengine.config import DictAction

    if len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]:
        inner = text[1:-1]
        # MMEngine's own way to write a list in which there are lists.
        return DictAction._parse_iterable(inner) if inner[:1] in ("[", "(") and inner[-1:] in ("]", ")") else inner
    if "," not in text and text[:1] not in ("[", "("):
        return DictAction._parse_int_float_bool(text)
    return DictAction._parse_iterable(text)


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
