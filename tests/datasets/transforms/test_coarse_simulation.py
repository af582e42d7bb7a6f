"""Simulated and mixed coarse probabilities."""

import cv2
import numpy as np
import pytest

from ultraref.datasets.transforms import HybridCoarse, SimulateCoarse

MASK = np.zeros((60, 100), np.uint8)
MASK[15:45, 20:70] = 1


def perfect(mask, rng, coarse_pixel):
    return mask.astype(np.float32), {"error_type": "identity"}


def test_the_error_is_resized_from_the_native_to_the_coarse_frame():
    results = SimulateCoarse(perfect)({"gt_seg_map": MASK, "rng": np.random.default_rng(0), "sizes": {"coarse": 20}})
    assert results["coarse_prob"].shape == (20, 20)
    assert results["coarse_prob"].dtype == np.float32
    # 3 rows x 5 columns make one pixel, and the lesion's borders are multiples of both.
    expected = np.zeros((20, 20))
    expected[5:15, 4:14] = 1
    np.testing.assert_allclose(results["coarse_prob"], expected, atol=1e-6)
    assert results["mask_error"] == {"error_type": "identity"}


def test_probabilities_stay_in_range_when_the_frame_grows():
    soft = cv2.GaussianBlur(MASK.astype(np.float32), (0, 0), 5)
    results = SimulateCoarse(lambda mask, rng, pixel: (soft, {}))(
        {"gt_seg_map": MASK, "rng": None, "sizes": {"coarse": 224}}
    )
    assert results["coarse_prob"].min() >= 0
    assert results["coarse_prob"].max() <= 1


def test_the_augmentor_gets_the_samples_own_generator():
    rng = np.random.default_rng(5)
    drawn = []
    SimulateCoarse(lambda mask, rng, pixel: (drawn.append(rng.random()) or MASK.astype(np.float32), {}))(
        {"gt_seg_map": MASK, "rng": rng, "sizes": {"coarse": 10}}
    )
    assert drawn == [np.random.default_rng(5).random()]


def test_the_augmentor_learns_how_long_a_coarse_pixel_is():
    """60 x 100 px squashed to 20 x 20: 3 px high and 5 px wide."""
    lengths = []
    SimulateCoarse(lambda mask, rng, coarse_pixel: (lengths.append(coarse_pixel) or MASK.astype(np.float32), {}))(
        {"gt_seg_map": MASK, "rng": None, "sizes": {"coarse": 20}}
    )
    assert lengths == [pytest.approx(15**0.5)]


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_shares_of_the_mixture(ratio):
    hybrid = HybridCoarse(ratio, stored=lambda results: "stored", simulated=lambda results: "simulated")
    picked = [hybrid({"rng": np.random.default_rng([0, i])}) for i in range(500)]
    # Three binomial standard deviations at 0.3 are 0.062; at 0 and 1 the share is exact.
    assert abs(picked.count("stored") / 500 - ratio) <= 0.062 * (0 < ratio < 1)


def test_the_ratio_is_checked():
    with pytest.raises(ValueError, match=r"in \[0, 1\], but is 50"):
        HybridCoarse(50, stored=lambda results: results, simulated=lambda results: results)


def test_a_missing_size_names_the_data_sets_argument():
    with pytest.raises(ValueError, match=r"size of the coarse network.*sizes=dict\(coarse="):
        SimulateCoarse(perfect)({"gt_seg_map": MASK, "rng": None})


@pytest.mark.parametrize("ratio", [0.0, 0.7, 1.0])
def test_without_stored_predictions_the_sample_says_whether_the_network_is_to_be_replaced(ratio):
    mixer = HybridCoarse(ratio, simulated=SimulateCoarse(perfect))
    replaced = 0
    for index in range(300):
        sample = {"gt_seg_map": MASK, "rng": np.random.default_rng([0, index]), "sizes": {"coarse": 20}}
        expected = np.random.default_rng([0, index]).random() >= ratio
        results = mixer(sample)
        assert results["coarse_from_sample"] is bool(expected)
        assert results["coarse_prob"].any() == expected
        assert results["coarse_prob"].shape == (20, 20)
        assert results["coarse_prob"].dtype == np.float32
        assert results["coarse_origin"] == ("simulated" if expected else "network")
        replaced += expected
    # Three binomial standard deviations at 0.3 are 0.08.
    assert abs(replaced / 300 - (1 - ratio)) <= 0.08 * (0 < ratio < 1)
