"""A threshold that keeps the share of harmed units below a level, on average over calibrations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ultraref.errors import UserError
from ultraref.evaluation.statistics.cluster import group_codes


@dataclass(frozen=True)
class ConformalThreshold:
    """What a calibration gives.

    Attributes:
        threshold: least score of an accepted case, a float32 number; -inf where everything may be accepted, inf where no threshold keeps
            the level.
        units: n, how many units there were.
        accepted: share of the calibration's images that the threshold accepts.
        harmed: number of units of which it accepts a harmed image.
    """

    threshold: float
    units: int
    accepted: float
    harmed: int


def conformal_threshold(
    scores: Sequence[float], harmed: Sequence[bool], groups: Sequence[str], alpha: float
) -> ConformalThreshold:
    """Returns the smallest threshold with (number of units accepted and harmed + 1) / (n + 1) <= alpha.

    A unit counts as accepted and harmed where any of its images is. If a new unit is exchangeable with those of the calibration, the
    probability that it is harmed is at most alpha: conformal risk control (Angelopoulos et al., ICLR 2024, theorem 1) for the loss
    1[some harmed image of the unit has a score of at least the threshold], which falls as the threshold grows.

    Args:
        scores: of each image; NaN is never accepted. They are compared as float32.
        harmed: whether taking the refined mask harms the image.
        groups: label of the unit of each image.
        alpha: greatest share of harmed units, in (0, 1).

    Raises:
        UserError: there is no image, `alpha` is out of range, or the arguments differ in length.
    """
    scores, harmed = np.asarray(scores, dtype=np.float32), np.asarray(harmed, dtype=bool)
    if not 0 < alpha < 1:
        raise UserError(f"alpha is {alpha}; it must lie between 0 and 1, such as 0.05")
    if not len(scores) == len(harmed) == len(groups) or len(scores) == 0:
        raise UserError(
            f"there are {len(scores)} scores, {len(harmed)} harms and {len(groups)} groups; each image needs one of each"
        )
    codes, units = group_codes(groups)
    # A unit is harmed at every threshold up to the highest score of its harmed images.
    highest = np.full(units, -np.inf, dtype=np.float32)
    counted = harmed & ~np.isnan(scores)
    np.maximum.at(highest, codes[counted], scores[counted])
    # Rounding must not turn 0.05 * 20 into less than 1.
    allowed = int(np.floor(alpha * (units + 1) + 1e-9)) - 1
    if allowed < 0:
        threshold = np.float32(np.inf)
    elif allowed >= units:
        threshold = np.float32(-np.inf)
    else:
        # The first unit that may not be harmed must be left out, and nothing above it.
        bound = np.sort(highest)[::-1][allowed]
        threshold = np.nextafter(bound, np.float32(np.inf)) if bound > -np.inf else bound
    accepted = scores >= threshold
    return ConformalThreshold(
        threshold=float(threshold),
        units=units,
        accepted=float(accepted.mean()),
        harmed=len(set(codes[accepted & harmed].tolist())),
    )
