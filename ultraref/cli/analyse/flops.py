"""Prints parameters and floating-point operations of each part of a config's model, for one image:
python tools/analysis_tools/flops.py configs/phase3/gated.py [--json FILE]
"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_config_arguments(parser)
    parser.add_argument("--json", metavar="FILE", help="also write the numbers to this file")


def main(args: argparse.Namespace) -> int:
    """Prints the table, and returns the exit status."""
    from dataclasses import asdict

    from rich import box
    from rich.console import Console
    from rich.table import Table

    from ultraref.apis.analyse.flops import count_flops
    from ultraref.apis.output_folder import check_writable_file
    from ultraref.atomic import write_json

    if args.json:
        check_writable_file(args.json, "--json")
    costs, sizes = count_flops(config_from(args))
    table = Table(box=box.SIMPLE_HEAVY)
    for place, heading in enumerate(("Part", "Parameters", "Trainable", "GFLOPs")):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for cost in costs:
        table.add_row(cost.name, f"{cost.parameters:,}", f"{cost.trainable:,}", f"{cost.flops / 1e9:,.3f}")
    Console(width=100).print(table)
    print("One image, " + ", ".join(f"{name} frame {size} px" for name, size in sizes.items()) + ".")
    if args.json:
        write_json(args.json, {"sizes": sizes, "parts": [asdict(cost) for cost in costs]})
    return 0
