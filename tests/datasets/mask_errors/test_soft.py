import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import distance_transform_edt
from scipy.special import expit

from ultraref.datasets.mask_errors import soften


@pytest.mark.parametrize("temperature", [2.0, 5.0, 8.0])
def test_agrees_with_the_formula(lesion, temperature):
    signed = distance_transform_edt(lesion) - distance_transform_edt(1 - lesion)
    prob = soften(lesion, temperature)
    assert prob.dtype == np.float32
    # An error of 2.5 % of the distance d moves sigmoid(d / T) by at most 0.025 max |x sigmoid'(x)| = 0.025 * 0.224.
    np.testing.assert_allclose(prob, expit(signed / temperature), atol=0.0057)


@settings(deadline=None, max_examples=100)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 1)), st.floats(2, 8))
def test_threshold_gives_the_mask_back(mask, temperature):
    prob = soften(mask, temperature)
    assert prob.min() >= 0
    assert prob.max() <= 1
    assert not (prob == 0.5).any()
    np.testing.assert_array_equal(prob > 0.5, mask == 1)


def test_far_background_is_exactly_zero_and_near_background_is_not():
    mask = np.zeros((120, 120), np.uint8)
    mask[:20, :20] = 1
    prob = soften(mask, 2.0)
    assert prob[-1, -1] == 0
    assert prob[10, 20 + 19] > 0


def test_blank_masks():
    assert (soften(np.zeros((5, 6), np.uint8), 3.0) == 0).all()
    assert (soften(np.ones((5, 6), np.uint8), 3.0) == 1).all()
