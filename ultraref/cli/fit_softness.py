"""Fits the softness of simulated errors to the predictions of coarse networks.

Prints, over all stored predictions, quantiles of the temperature at which a softened mask has as large an undecided area as the
prediction, and the line for a config. Reads the stores of tools/predict_coarse.py, of them the validation folds alone: the test
part has no say in training.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ultraref.errors import MissingFileError, UserError

if TYPE_CHECKING:
    import numpy as np

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("stores", nargs="+", help="prediction stores: folders with fold*/val/")
    parser.add_argument("--json", help="also write the numbers to this file")


def main(args: argparse.Namespace) -> int:
    """Prints the numbers, and returns the exit status."""
    import numpy as np
    from rich.progress import track

    from ultraref.apis.output_folder import check_writable_file
    from ultraref.atomic import write_json
    from ultraref.datasets.mask_errors.fit_temperature import UNDECIDED, fit_temperature, undecided_share

    if args.json:
        check_writable_file(args.json, "--json")
    probs = [prob for store in args.stores for prob in _out_of_fold(Path(store))]
    temperatures = np.array([fit_temperature(prob) for prob in track(probs, description="fitting", transient=True)])
    shares = np.array([undecided_share(prob) for prob in probs])
    found = np.isfinite(temperatures)
    if not found.any():
        raise UserError(
            f"none of the {len(probs)} predictions has a lesion, so that nothing says how soft its outline is"
        )
    levels = np.quantile(temperatures[found], QUANTILES)
    low, high = levels[0], levels[-1]
    result = dict(
        predictions=len(probs),
        without_lesion=int((~found).sum()),
        temperature={str(q): float(level) for q, level in zip(QUANTILES, levels)},
        undecided_share=float(np.median(shares[found])),
    )
    print(f"{len(probs)} predictions, {result['without_lesion']} of them without a lesion")
    quantiles = " / ".join(f"{100 * q:.0f}" for q in QUANTILES)
    print(f"temperature in coarse pixels, {quantiles} %: {' / '.join(f'{level:.2f}' for level in levels)}")
    print(
        f"area with p in {UNDECIDED[0]:.2f} to {UNDECIDED[1]:.2f} over that of the mask, median: {shares[found].mean():.2f}"
    )
    print(f'augmentor=dict(type="MaskErrorAugmentor", temperature=({max(low, 0.1):.1f}, {high:.1f}))')
    if args.json:
        write_json(Path(args.json), result)
    return 0


def _out_of_fold(root: Path) -> "Iterator[np.ndarray]":
    """Yields the predictions of a store's validation folds, (h, h) float32 each.

    Raises:
        MissingFileError: there are none.
    """
    from rich.progress import track

    from ultraref.datasets.prediction_store import PredictionStore

    folds = sorted(int(path.parts[-3][4:]) for path in root.glob("fold*/val/manifest.json"))
    if not folds:
        raise MissingFileError(
            f"{root} has no fold*/val/manifest.json: give a store that tools/predict_coarse.py wrote, such as "
            "work_dirs/predictions/unet_busi"
        )
    store = PredictionStore(root)
    for fold in folds:
        for name in track(store.manifest(fold, "val").images, description=f"fold {fold}", transient=True):
            yield store.read(name, fold, "val")
