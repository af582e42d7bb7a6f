"""Simulated and mixed coarse probabilities."""

import cv2
import numpy as np
import pytest

from ultraref.datasets.transforms import HybridCoarse, SimulateCoarse

MASK = np.zeros((60, 100), np.uint8)
MASK[15:45, 20:70] = 1


def perfect(mask, rng):
    return mask.astype(np.float32), {"error_type": "identity"}


def test_the_error_is_resized_from_the_native_to_the_coarse_frame():
    results = SimulateCoarse(perfect, coarse_size=20)({"mask": MASK, "rng": np.random.default_rng(0)})
    assert results["coarse_prob"].shape == (20, 20)
    assert results["coarse_prob"].dtype == np.float32
    # 3 rows x 5 columns make one pixel, and the lesion's borders are multiples of both.
    expected = np.zeros((20, 20))
    expected[5:15, 4:14] = 1
    np.testing.assert_allclose(results["coarse_prob"], expected, atol=1e-6)
    assert results["mask_error"] == {"error_type": "identity"}


def test_probabilities_stay_in_range_when_the_frame_grows():
    soft = cv2.GaussianBlur(MASK.astype(np.float32), (0, 0), 5)
    results = SimulateCoarse(lambda mask, rng: (soft, {}), coarse_size=224)({"mask": MASK, "rng": None})
    assert results["coarse_prob"].min() >= 0
    assert results["coarse_prob"].max() <= 1


def test_the_augmentor_gets_the_samples_own_generator():
    rng = np.random.default_rng(5)
    drawn = []
    SimulateCoarse(lambda mask, rng: (drawn.append(rng.random()) or MASK.astype(np.float32), {}), 10)(
        {"mask": MASK, "rng": rng}
    )
    assert drawn == [np.random.default_rng(5).random()]


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_shares_of_the_mixture(ratio):
    hybrid = HybridCoarse(ratio, stored=lambda results: "stored", simulated=lambda results: "simulated")
    picked = [hybrid({"rng": np.random.default_rng([0, i])}) for i in range(500)]
    # Three binomial standard deviations at 0.3 are 0.062; at 0 and 1 the share is exact.
    assert abs(picked.count("stored") / 500 - ratio) <= 0.062 * (0 < ratio < 1)


def test_the_ratio_is_checked():
    with pytest.raises(ValueError, match=r"in \[0, 1\], but is 50"):
        HybridCoarse(50, stored=lambda results: results, simulated=lambda results: results)
