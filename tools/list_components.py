"""Prints what configs can name: python tools/list_components.py [GATES LOSSES ...]"""

import argparse
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "registries", nargs="*", metavar="REGISTRY", help="names of registries, e.g. GATES (default: all)"
    )
    args = parser.parse_args()
    from ultraref.engine.component_list import format_components

    print(format_components(args.registries))
    return 0


if __name__ == "__main__":
    from ultraref.console import run

    sys.exit(run(main))
