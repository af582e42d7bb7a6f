import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import distance_transform_edt

from ultraref.datasets.mask_errors.fields import displacement, distance_inside, distance_outside, lowest, smooth_noise


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(-2, 2).map(float)),
    st.floats(0, 1),
)
def test_lowest_takes_exactly_the_count_whatever_the_ties(field, share):
    count = round(share * field.size)
    chosen = lowest(field, count)
    assert chosen.sum() == count
    if 0 < count < field.size:
        assert field[chosen == 1].max() <= field[chosen == 0].min()


def test_lowest_reads_infinite_values_as_last_and_first():
    field = np.array([[np.inf, 2.0, -np.inf], [1.0, np.inf, 3.0]], np.float32)
    np.testing.assert_array_equal(lowest(field, 3), [[0, 1, 1], [1, 0, 0]])


def test_distances_agree_with_scipy(lesion):
    inside, outside = distance_transform_edt(lesion), distance_transform_edt(1 - lesion)
    np.testing.assert_allclose(distance_inside(lesion, exact=True), inside, rtol=1e-5)
    np.testing.assert_allclose(distance_outside(lesion, exact=True), outside, rtol=1e-5)
    # Borgefors (1986): the 5x5 chamfer distance with OpenCV's weights errs by about 2 %.
    np.testing.assert_allclose(distance_inside(lesion), inside, rtol=0.025)
    np.testing.assert_allclose(distance_outside(lesion), outside, rtol=0.025)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (97, 64)])
@pytest.mark.parametrize("cell", [2.0, 13.5, 500.0])
def test_smooth_noise_is_bounded_and_smooth(shape, cell):
    field = smooth_noise(shape, cell, np.random.default_rng(0))
    assert field.shape == shape
    assert field.dtype == np.float32
    # Weights of cubic interpolation (a = -0.75) sum in magnitude to 1.375 at most, in each direction.
    assert np.abs(field).max() <= 1.375**2
    if 10 < cell <= 0.5 * min(shape):
        # Between nodes that differ by 2 the cubic's slope is at most about 1.5 times the line's; then the overshoot.
        assert np.abs(np.diff(field, axis=0)).max() < 1.5 * 1.375 * 2 / (0.8 * cell)


@pytest.mark.parametrize("seed", range(5))
def test_displacement_is_the_tilt_that_it_reports_plus_bumps(seed):
    field, params = displacement((60, 90), 20.0, np.random.default_rng(seed))
    rows, columns = np.mgrid[:60, :90]
    direction = np.radians(params["direction"])
    bumps = field - params["tilt"] * (columns * np.cos(direction) + rows * np.sin(direction))
    assert 0 <= params["tilt"] <= 0.5
    assert 10 <= params["bump_size"] <= 30
    assert 0 <= params["bump_height"] <= 0.2 * params["bump_size"]
    assert np.abs(bumps).max() <= 1.375**2 * params["bump_height"] + 1e-4
