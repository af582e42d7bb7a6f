"""Distances between the outlines of a predicted and a true mask."""

from collections.abc import Sequence

import numpy as np

from ultraref.errors import UserError
from ultraref.evaluation.case import Case
from ultraref.evaluation.metrics.base import BaseMeasure, Row, emptiness_notes
from ultraref.evaluation.table import TableRow
from ultraref.registry import METRICS

Spacing = tuple[float, float]


@METRICS.register_module()
class SurfaceMeasure(BaseMeasure):
    """95th percentile of the Hausdorff distance, average symmetric surface distance, normalised surface Dice.

    In pixels of the frame in which is measured, and in mm where the sample says its spacing (columns GROUP_hd95, GROUP_hd95_mm and so on).
    Outlines and the distances between them are MONAI's. The rule for empty masks is applied before it is called: its own is NaN for
    a missed lesion, and a mean that leaves NaN out is the better the more lesions are missed.

    Args:
        tolerance_px: distance up to which an outline counts as right, for the normalised surface Dice in pixels.
        tolerance_mm: the same in mm.

    Raises:
        UserError: a tolerance is below 0.
    """

    def __init__(self, tolerance_px: float = 2.0, tolerance_mm: float = 0.5):
        for name, value in (("tolerance_px", tolerance_px), ("tolerance_mm", tolerance_mm)):
            if not value >= 0:
                raise UserError(f"SurfaceMeasure: {name} is {value}; it must be 0 or above")
        self.tolerance_px, self.tolerance_mm = tolerance_px, tolerance_mm
        self.table = {
            f"{name}{suffix}": row
            for suffix, unit, tolerance in (("", "px", tolerance_px), ("_mm", "mm", tolerance_mm))
            for name, row in _rows(unit, tolerance).items()
        }
        self.per_image = tuple(self.table)
        self.rule = (
            "Outlines: where one mask is empty, HD95 and ASSD are the image's diagonal and the surface Dice is 0; where both are, 0, 0 and "
            f"1. Tolerance of the surface Dice {tolerance_px:g} px, {tolerance_mm:g} mm"
        )

    def measure(self, case: Case) -> dict[str, object]:
        """Returns GROUP_hd95, GROUP_assd, GROUP_nsd, and the same with _mm where a spacing is known."""
        target = case.target.cpu().numpy()
        units = [("", None, self.tolerance_px)]
        if case.spacing is not None:
            units.append(("_mm", case.spacing, self.tolerance_mm))
        columns = {}
        for group, mask in case.masks.items():
            measured = surface_metrics(
                mask.cpu().numpy(), target, [spacing for _, spacing, _ in units], [limit for *_, limit in units]
            )
            for (suffix, *_), values in zip(units, measured):
                columns.update({f"{group}_{name}{suffix}": value for name, value in values.items()})
        return columns

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """Returns the rule and the number of empty masks, and for how many images a spacing is known, if there are any."""
        notes = emptiness_notes(rows, self.rule)
        known = sum(any(name.endswith("_hd95_mm") for name in row) for row in rows)
        return (
            [*notes, f"Distances in mm are of the {known} of {len(rows)} images whose spacing is known"]
            if known
            else notes
        )


def _rows(unit: str, tolerance: float) -> dict[str, TableRow]:
    return {
        "hd95": TableRow(f"HD95 ({unit})", 2, lower_is_better=True, bounded=False),
        "assd": TableRow(f"ASSD ({unit})", 2, lower_is_better=True, bounded=False),
        "nsd": TableRow(f"Surface Dice ({tolerance:g} {unit})"),
    }


def surface_metrics(
    prediction: np.ndarray, target: np.ndarray, spacings: Sequence[Spacing | None], tolerances: Sequence[float]
) -> list[dict[str, float]]:
    """HD95, ASSD and normalised surface Dice of one image, in several units.

    The outline of a mask is its pixels with a neighbour (of four) that is outside. With d1 the distances of each pixel of the predicted
    outline from the true one and d2 the other way, HD95 is the larger of their 95th percentiles (Huttenlocher et al. 1993, with a
    percentile in place of the maximum), ASSD the mean of d1 and d2 together (Heimann et al. 2009), and the surface Dice the share of
    d1 and d2 together that are within the tolerance (Nikolov et al. 2021), by pixels of the outlines, not by their length.

    Rule for empty masks: both empty is right (0, 0, 1). One empty is as wrong as can be: the distances are the image's diagonal, the
    longest that there is in it, and the surface Dice is 0. Leaving such images out would reward a model that misses the hard lesions, and
    every image must have a value for models to be compared on the same ones (Maier-Hein et al. 2024, on missing values).

    Args:
        prediction: (H, W) bool.
        target: (H, W) bool.
        spacings: for each unit the (row, column) distance of two pixels; None for 1, 1.
        tolerances: for each unit that of the surface Dice.

    Returns:
        For each unit `hd95`, `assd`, `nsd`.
    """
    if not prediction.any() or not target.any():
        right = not prediction.any() and not target.any()
        diagonals = [0.0 if right else _diagonal(target.shape, spacing) for spacing in spacings]
        return [dict(hd95=diagonal, assd=diagonal, nsd=float(right)) for diagonal in diagonals]
    from monai.metrics import get_mask_edges, get_surface_distance

    outlines = get_mask_edges(prediction, target)
    results = []
    for spacing, tolerance in zip(spacings, tolerances):
        there = np.asarray(get_surface_distance(*outlines, spacing=spacing), dtype=np.float64)
        back = np.asarray(get_surface_distance(*outlines[::-1], spacing=spacing), dtype=np.float64)
        both = np.concatenate([there, back])
        hd95 = max(np.quantile(there, 0.95), np.quantile(back, 0.95))
        results.append(dict(hd95=float(hd95), assd=float(both.mean()), nsd=float(np.mean(both <= tolerance))))
    return results


def _diagonal(shape: tuple[int, int], spacing: Spacing | None) -> float:
    """The distance between the centres of two opposite corner pixels."""
    height, width = (side - 1 for side in shape)
    rows, columns = spacing or (1.0, 1.0)
    return float(np.hypot(height * rows, width * columns))
