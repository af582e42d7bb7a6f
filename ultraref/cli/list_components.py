"""Prints what configs can name: python tools/list_components.py [GATES LOSSES ...]"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument(
        "registries", nargs="*", metavar="REGISTRY", help="names of registries, e.g. GATES (default: all)"
    )


def main(args: argparse.Namespace) -> int:
    """Prints the components, and returns the exit status."""
    from ultraref.engine.component_list import format_components

    print(format_components(args.registries))
    return 0
