"""Measures on real lesion masks how good the prompts and the ROI are that each option makes from a coarse mask.

Coarse masks are the lesion masks themselves and, with simulated segmentation errors, what a coarse network might give.
The background b stands for the softmax floor of a network: p becomes b + (1 - b) p. Empty coarse masks are left out (n
counts the others). Prints two Markdown tables.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("masks", help="folder of masks, folder in BUSI's layout, or converted dataset")
    parser.add_argument("--json", help="also write the numbers to this file")
    parser.add_argument("--preset", default="default", help="mixture of simulated errors (default: %(default)s)")
    parser.add_argument("--draws", type=int, default=1, help="simulated errors for each mask (default: %(default)s)")
    parser.add_argument("--coarse-size", type=int, default=224, help="frame of the coarse mask (default: %(default)s)")
    parser.add_argument("--size", type=int, default=256, help="frame of the prompts (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)


def main(args: argparse.Namespace) -> int:
    """Prints both tables, and returns the exit status."""
    from ultraref.apis.measure_prompts import measure, simulate
    from ultraref.apis.output_folder import check_writable_file
    from ultraref.atomic import write_json
    from ultraref.datasets.mask_errors.find_masks import find_masks

    if args.json:
        check_writable_file(args.json, "--json")
    masks = list(find_masks(args.masks).values())
    truth, coarse = simulate(masks, args.size, args.coarse_size, args.preset, args.draws, args.seed)
    result = {"masks": len(masks), "arguments": {key: value for key, value in vars(args).items() if key != "json"}}
    result["prompts"], result["roi"] = measure(truth, coarse, args.size)
    _print_table(result["prompts"])
    _print_table(result["roi"])
    if args.json:
        write_json(args.json, result, indent=1)
    return 0


def _print_table(rows: list[dict]) -> None:
    """Prints rows that share their keys as a Markdown table."""
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        cells = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()]
        print("| " + " | ".join(cells) + " |")
    print()
