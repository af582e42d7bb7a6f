"""The command `ultraref`, and how a script of tools/ runs one of its sub-commands."""

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from ultraref import __version__
from ultraref.cli import commands
from ultraref.cli.commands import COMMANDS, Command, by_tool, spell
from ultraref.console import run

DESCRIPTION = "Lesion segmentation in breast ultrasound, refined. Each command has a --help of its own."


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `ultraref` with arguments, those of the program by default, and returns the exit status."""
    commands.as_tools = False
    return _choose(COMMANDS, list(sys.argv[1:] if argv is None else argv), "ultraref", DESCRIPTION)


def run_tool(tool: str, argv: Sequence[str] | None = None) -> int:
    """Runs the sub-command of a script of tools/, and returns the exit status.

    Args:
        tool: the script without suffix, "train" or "dataset_converters/busi".
        argv: arguments; those of the program by default.
    """
    commands.as_tools = True
    _, command = by_tool()[tool]
    return _run(command, argv, None)


def _choose(table: dict[str, Command], argv: list[str], prog: str, description: str) -> int:
    """Runs the command that the first argument names. Only its file is imported."""
    name = argv[0] if argv else ""
    if name in table:
        command = table[name]
        if command.commands:
            return _choose(command.commands, argv[1:], f"{prog} {name}", f"{command.summary.capitalize()}.")
        return _run(command, argv[1:], f"{prog} {name}")
    parser = argparse.ArgumentParser(prog=prog, description=description)
    if table is COMMANDS:
        parser.add_argument("--version", action="version", version=f"ultraref {__version__}")
    choices = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for known, command in table.items():
        choices.add_parser(known, help=command.summary)
    if name and not name.startswith("-"):
        near = get_close_matches(name, table, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        parser.error(f"there is no command {name!r}; {hint}There are {', '.join(table)}")
    parser.parse_args(argv)
    return 0


def _run(command: Command, argv: Sequence[str] | None, prog: str | None) -> int:
    module = import_module(f"ultraref.cli.{command.module}")
    parser = argparse.ArgumentParser(prog=prog, description=spell(module.__doc__))
    module.add_arguments(parser)
    args = parser.parse_args(argv)
    return run(lambda: module.main(args), spell)
