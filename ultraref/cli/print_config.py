"""Prints what a config comes to, and the file that set each key:
python tools/print_config.py configs/phase3/gated.py --set busbra --fold 3 [--only model.gate]
"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_config_arguments(parser)
    parser.add_argument("--only", metavar="KEY", default="", help="the part below this dotted key alone")
    parser.add_argument("--plain", action="store_true", help="the config as Python, without the files")


def main(args: argparse.Namespace) -> int:
    """Prints the config, and returns the exit status."""
    from ultraref.apis.print_config import format_config

    cfg = config_from(args)
    if args.plain:
        print(cfg.pretty_text)
    else:
        print(format_config(cfg, args.only, args.set, args.fold, args.cfg_options or {}))
    return 0
