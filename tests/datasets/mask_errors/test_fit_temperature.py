"""The softness of a network's masks, from masks whose softness is known."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from scipy.special import expit

from ultraref.datasets.mask_errors.fit_temperature import HALF_WIDTH, fit_temperature, undecided_share


def disc(radius=40, size=128):
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.hypot(x, y) <= radius


def soft_disc(temperature):
    """sigmoid(d / T), d being the distance to the outline between pixel centres."""
    mask = disc()
    return expit(
        (distance_transform_edt(mask) - distance_transform_edt(~mask) + np.where(mask, -0.5, 0.5)) / temperature
    )


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0, 8.0])
def test_finds_the_temperature(temperature):
    # To the half pixel by which distances on a grid are apart, and the 2 % of the chamfer distance.
    assert fit_temperature(soft_disc(temperature)) == pytest.approx(temperature, abs=0.5 / HALF_WIDTH, rel=0.03)


def test_undecided_share_of_a_ring():
    """A ring of half-width 0.88 T about a circle of radius r has 4 * 0.88 T / r of the disc's area."""
    assert undecided_share(soft_disc(3.0)) == pytest.approx(4 * HALF_WIDTH * 3.0 / 40, rel=0.1)


def test_a_sure_mask_has_no_temperature():
    assert fit_temperature(disc().astype(float)) == 0
    assert undecided_share(disc().astype(float)) == 0
    for empty_or_full in (np.zeros((8, 8)), np.ones((8, 8))):
        assert np.isnan(fit_temperature(empty_or_full))
