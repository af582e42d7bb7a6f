"""Pictures of simulated errors: a contact sheet of all types, and the distribution of Dice by type."""

import math
from collections.abc import Callable, Iterable, Sequence

import cv2
import numpy as np

from ultraref.datasets.mask_errors.augmentor import MaskErrorAugmentor
from ultraref.datasets.mask_errors.presets import PRESETS

# RGB. Kept lesion, missed lesion, false lesion: told apart by brightness, too.
KEPT, MISSED, FALSE = (150, 150, 150), (214, 60, 50), (80, 190, 240)
MARGIN = 4
CAPTION = 18


def contact_sheet(masks: Sequence[np.ndarray], columns: int = 6, tile: int = 128, seed: int = 0) -> np.ndarray:
    """One row for each primary error: in every pair of tiles the binary outcome in colours and its soft map in grey.

    Args:
        masks: (H, W) uint8 in {0, 1}; used in turn.
        columns: Tiles in a row.
        tile: Height and width of a tile in pixels; masks are scaled to fit.
        seed: Pair k of row r draws from ``default_rng([seed, r, k])``.

    Returns:
        (height, width, 3) uint8 RGB. Grey is lesion kept, red lesion missed, blue false lesion.
    """
    step = tile + MARGIN
    names = list(PRESETS["default"])
    sheet = np.full((len(names) * (step + CAPTION) + MARGIN, columns * step + MARGIN, 3), 255, np.uint8)
    for row, name in enumerate(names):
        top = MARGIN + row * (step + CAPTION) + CAPTION
        cv2.putText(sheet, name, (MARGIN, top - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
        for column in range(columns):
            soft = column % 2 == 1
            # The two of a pair show the same sample: everything before the softening draws alike.
            augmentor = MaskErrorAugmentor(weights={name: 1.0}, soft_prob=float(soft), secondary_prob=0.0)
            mask = masks[(column // 2) % len(masks)]
            prob, _ = augmentor(mask, np.random.default_rng([seed, row, column // 2]))
            picture = _grey(prob) if soft else _colour(mask, prob > 0.5)
            left = MARGIN + column * step
            sheet[top : top + tile, left : left + tile] = _fit(picture, tile)
    return sheet


def dice_by_type(
    masks: Iterable[np.ndarray], draws: int = 1, seed: int = 0, progress: Callable = iter
) -> dict[str, dict[str, np.ndarray]]:
    """Dice of every type of error on every mask.

    Args:
        masks: (H, W) uint8 in {0, 1}.
        draws: Samples for each type and mask.
        seed: Draw k on mask i comes from ``default_rng([seed, k, i])``.
        progress: Wraps the iteration over masks, for a progress bar.

    Returns:
        Class name -> ``primary`` and ``whole`` Dice and ``fallback`` (bool), each (number of masks * draws,).
    """
    augmentors = {name: MaskErrorAugmentor(weights={name: 1.0}, soft_prob=0.0) for name in PRESETS["default"]}
    records = {name: [] for name in augmentors}
    for index, mask in enumerate(progress(masks)):
        for name, augmentor in augmentors.items():
            records[name] += [augmentor(mask, np.random.default_rng([seed, k, index]))[1] for k in range(draws)]
    return {
        name: {
            "primary": np.array([record["primary_dice"] for record in rows]),
            "whole": np.array([record["dice"] for record in rows]),
            "fallback": np.array([record["fallback"] is not None for record in rows]),
        }
        for name, rows in records.items()
    }


def dice_histogram(scores: dict[str, dict[str, np.ndarray]]):
    """A histogram of Dice for each type: the primary error's filled, that of the whole error, secondaries included, as a line.

    Args:
        scores: What :func:`dice_by_type` returns.

    Returns:
        A matplotlib ``Figure``, independent of pyplot and its backends.
    """
    from matplotlib.figure import Figure  # slow to import, and the data loaders don't need it

    columns = 3
    rows = math.ceil(len(scores) / columns)
    figure = Figure(figsize=(9.0, 1.5 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
    bins = np.linspace(0.0, 1.0, 41)
    for axis, (name, values) in zip(axes.flat, scores.items()):
        axis.hist(values["primary"], bins, color="#8fb8de", label="primary")
        axis.hist(values["whole"], bins, color="#1f3b57", histtype="step", label="whole")
        axis.set_title(f"{name}, mean {values['primary'].mean():.2f}", fontsize=8)
        axis.set_yticks([])
        axis.tick_params(labelsize=7)
    axes[0, 0].legend(fontsize=7, loc="upper left")
    figure.supxlabel("Dice against the ground truth", fontsize=8)
    return figure


def _colour(mask: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    picture = np.zeros((*mask.shape, 3), np.uint8)
    lesion = mask > 0
    picture[lesion & predicted], picture[lesion & ~predicted], picture[~lesion & predicted] = KEPT, MISSED, FALSE
    return picture


def _grey(prob: np.ndarray) -> np.ndarray:
    return np.repeat((255 * prob + 0.5).astype(np.uint8)[..., None], 3, axis=2)


def _fit(picture: np.ndarray, tile: int) -> np.ndarray:
    """Scale an (H, W, 3) picture to fit into a square of ``tile`` pixels, centred on white."""
    scale = tile / max(picture.shape[:2])
    height, width = (max(round(side * scale), 1) for side in picture.shape[:2])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    top, left = (tile - height) // 2, (tile - width) // 2
    fitted = np.full((tile, tile, 3), 255, np.uint8)
    fitted[top : top + height, left : left + width] = cv2.resize(picture, (width, height), interpolation=interpolation)
    return fitted
