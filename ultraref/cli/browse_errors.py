"""Draws what the simulated segmentation errors do to lesion masks: a contact sheet and Dice histograms, as PNG.

Prints the distribution of Dice and the share of fallbacks of each type as a Markdown table.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "masks",
        metavar="MASK_OR_DATASET",
        help="mask file, folder of masks, folder in BUSI's layout, converted dataset",
    )
    parser.add_argument(
        "--out", default="work_dirs/mask_errors", help="folder for the two PNG files (default: %(default)s)"
    )
    parser.add_argument(
        "--draws", type=int, default=1, help="samples of each type for each mask (default: %(default)s)"
    )
    parser.add_argument("--columns", type=int, default=6, help="tiles in a row of the sheet (default: %(default)s)")
    parser.add_argument("--tile", type=int, default=128, help="size of a tile in pixels (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)


def main(args: argparse.Namespace) -> int:
    """Writes both pictures, prints the table, and returns the exit status."""
    import numpy as np
    from rich.progress import track

    from ultraref.apis.output_folder import check_writable
    from ultraref.atomic import atomic_file
    from ultraref.datasets.image_io import encode_rgb_png
    from ultraref.datasets.mask_errors.find_masks import find_masks
    from ultraref.datasets.mask_errors.gallery import contact_sheet, dice_by_type, dice_histogram

    check_writable(args.out, "--out")
    masks = list(find_masks(args.masks).values())
    chosen = np.unique(np.linspace(0, len(masks) - 1, max(args.columns // 2, 1)).round().astype(int))
    sheet = contact_sheet([masks[index] for index in chosen], args.columns, args.tile, args.seed)
    scores = dice_by_type(masks, args.draws, args.seed, lambda jobs: track(jobs, description="simulating"))

    out = Path(args.out)
    with atomic_file(out / "contact_sheet.png") as file:
        file.write(encode_rgb_png(sheet))
    with atomic_file(out / "dice.png") as file:
        dice_histogram(scores).savefig(file, format="png", dpi=100)
    _print_table(scores)
    print(f"{len(masks)} masks; wrote {out / 'contact_sheet.png'} and {out / 'dice.png'}")
    return 0


def _print_table(scores: "dict[str, dict[str, np.ndarray]]") -> None:
    """Prints mean and quantiles of Dice for each type."""
    import numpy as np

    print("| Error | primary, mean | primary, 5 / 50 / 95 % | whole, mean | whole, 5 / 50 / 95 % | fallbacks |")
    print("|---|---|---|---|---|---|")
    for name, values in scores.items():
        cells = [name]
        for key in ("primary", "whole"):
            low, median, high = np.quantile(values[key], [0.05, 0.5, 0.95])
            cells += [f"{values[key].mean():.2f}", f"{low:.2f} / {median:.2f} / {high:.2f}"]
        print("| " + " | ".join([*cells, f"{100 * values['fallback'].mean():.1f} %"]) + " |")
