"""Draws what the ultrasound augmentations do to images: python tools/browse_augmentations.py [IMAGES] [--out FILE]"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ultraref.defaults import SHOWN_AUGMENTATIONS
from ultraref.errors import UserError

if TYPE_CHECKING:
    import numpy as np


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument(
        "images", nargs="?", help="an image, a folder of images or a converted set (default: made-up images)"
    )
    parser.add_argument("--out", default="work_dirs/augmentations.png", help="PNG to write (default: %(default)s)")
    parser.add_argument(
        "--transforms",
        nargs="+",
        default=SHOWN_AUGMENTATIONS,
        metavar="NAME",
        help=f"what to draw (default: {' '.join(SHOWN_AUGMENTATIONS)})",
    )
    parser.add_argument("--columns", type=int, default=5, help="tiles in a row (default: %(default)s)")
    parser.add_argument("--tile", type=int, default=160, help="size of a tile in pixels (default: %(default)s)")
    parser.add_argument("--levels", type=int, default=256, help="grey levels, fewer make a smaller file (default: 256)")
    parser.add_argument("--seed", type=int, default=0)


def main(args: argparse.Namespace) -> int:
    """Writes the picture, and returns the exit status."""
    if args.columns < 2 or args.tile < 16 or not 2 <= args.levels <= 256:
        raise UserError("--columns must be at least 2, --tile at least 16, and --levels from 2 to 256")
    import numpy as np

    from ultraref.atomic import atomic_file
    from ultraref.datasets.image_io import encode_png
    from ultraref.datasets.transforms.ultrasound.gallery import augmentation_sheet, find_samples

    try:
        samples = _phantoms(len(args.transforms), args.seed)
        if args.images:
            samples = find_samples(args.images, len(args.transforms))
        sheet = augmentation_sheet(samples, args.transforms, args.columns, args.tile, args.seed)
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise UserError(str(error)) from error
    step = 255 / (args.levels - 1)
    sheet = np.rint(np.rint(sheet / step) * step).astype(np.uint8)
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(args.out) as file:
        file.write(encode_png(sheet))
    print(f"wrote {args.out}")
    return 0


def _phantoms(count: int, seed: int) -> "list[tuple[np.ndarray, np.ndarray]]":
    """Returns made-up images with their masks."""
    import numpy as np

    from ultraref.testing.phantom import make_phantom

    drawn = [make_phantom(np.random.default_rng([seed, i]), ("benign", "malignant")[i % 2]) for i in range(count)]
    return [(phantom.image, phantom.masks[0]) for phantom in drawn]
