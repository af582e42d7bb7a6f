"""How sure it is that two images show the same, measured by what unrelated images of the same set reach.

A correlation by itself says little: images of one scanner are more alike than those of five. So it counts in spreads above
the middle of unrelated pairs, of which every set has plenty: images and the mirror images of others.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ultraref.datasets.likeness.view import Comparison

# Of a score. On BUSI, which was judged by eye, 1,645 unrelated candidates reach 4.3, and the 204 pairs of one lesion or
# examination have 6.5 or more.
CONFIDENT = 5.5
# Mirrored copies are rare, and mirror images are many: a higher bar. Real ones, as changed as a copy may be, have over 10.
CONFIDENT_MIRRORED = 8.0
# Fewer unrelated pairs don't tell what is usual.
_FEWEST = 30


@dataclass(frozen=True)
class Unrelated:
    """What unrelated pairs reach; the defaults were measured on BUSI, and are the least that is assumed of any set.

    Attributes:
        correlation, detail: middle and spread of the values of a `Comparison`.
        count: of the pairs that were measured.
    """

    correlation: tuple[float, float] = (0.23, 0.05)
    detail: tuple[float, float] = (0.08, 0.03)
    count: int = 0

    @classmethod
    def measure(cls, comparisons: Iterable[Comparison]) -> "Unrelated":
        """From comparisons most of which are of unrelated images; those that found nothing in common don't count."""
        found = [each for each in comparisons if each.correlation > -1 and each.detail > -1]
        if len(found) < _FEWEST:
            return cls(count=len(found))
        measured = []
        for values, (middle, spread) in (
            ([each.correlation for each in found], cls.correlation),
            ([each.detail for each in found], cls.detail),
        ):
            own, above = np.percentile(values, [50, 84])
            measured.append((max(float(own), middle), max(float(above - own), spread)))
        return cls(*measured, count=len(found))

    def score(self, comparison: Comparison) -> float:
        """Returns spreads above the middle of unrelated pairs: the sum of both measures' over the root of two."""
        correlation, detail = (
            (value - middle) / spread
            for value, (middle, spread) in (
                (comparison.correlation, self.correlation),
                (comparison.detail, self.detail),
            )
        )
        return float((correlation + detail) / np.sqrt(2))


def is_confident(score: float, flip: str) -> bool:
    """Whether a score says that two images show the same; `flip` is how the second was mirrored."""
    return score >= (CONFIDENT_MIRRORED if flip else CONFIDENT)
