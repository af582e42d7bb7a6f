"""Tries a training before it is started, and says what it takes:
python tools/preflight.py configs/phase3/gated.py --set busi --fold 0
"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_config_arguments(parser)
    parser.add_argument("--work-dir", help="where checkpoints and logs would go (default: work_dirs/RECIPE_SET_foldK)")
    parser.add_argument("--amp", action="store_true", help="mixed precision")
    parser.add_argument("--json", metavar="FILE", help="also write what was found to this file")


def main(args: argparse.Namespace) -> int:
    """Prints a table, and returns 0 if nothing speaks against the training, else 2."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ultraref.apis.preflight import preflight
    from ultraref.atomic import write_json
    from ultraref.cli.commands import spell

    result = preflight(config_from(args, args.work_dir), amp=args.amp)
    table = Table(box=box.SIMPLE_HEAVY)
    for heading in ("Check", "", "Found"):
        table.add_column(heading, overflow="fold")
    for line in result.lines:
        table.add_row(line.name, "ok" if line.ok else "FAILED", escape(spell(line.text)))
    Console().print(table)
    if args.json:
        write_json(args.json, result.to_dict())
    return 0 if result.ok else 2
