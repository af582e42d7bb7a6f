import numpy as np
from scipy.ndimage import distance_transform_edt

from ultraref.datasets.mask_errors import Identity


def test_only_pixels_within_two_pixels_of_the_other_side_change(lesion, draw):
    inside, outside = distance_transform_edt(lesion), distance_transform_edt(1 - lesion)
    for result, params in draw(Identity(), lesion, 25):
        assert "fallback" not in params
        assert params["max_shift"] <= 2.0
        # The chamfer distance gives a diagonal step 1.4 for sqrt(2).
        shift = min(params["max_shift"] * np.sqrt(2) / 1.4, 2.0)
        assert inside[(lesion == 1) & (result == 0)].max(initial=0) <= shift + 1e-5
        assert outside[(lesion == 0) & (result == 1)].max(initial=0) <= shift + 1e-5


def test_the_boundary_moves_out_in_places_and_in_in_others(round_lesion, draw):
    results = [result for result, _ in draw(Identity(unchanged_prob=0.0), round_lesion, 40)]
    assert any(((result == 1) & (round_lesion == 0)).any() for result in results)
    assert any(((result == 0) & (round_lesion == 1)).any() for result in results)


def test_dice_stays_high_for_small_lesions_too(lesion, draw):
    for result, _ in draw(Identity(unchanged_prob=0.0), lesion, 25):
        # s <= 0.1 A / P bounds the change by about 0.1 A, hence Dice by about 1 - 0.05; pixels make it coarser.
        assert 2 * (result & lesion).sum() / (result.sum() + lesion.sum()) >= 0.93


def test_unchanged_at_probability_one(lesion, draw):
    assert all(np.array_equal(result, lesion) for result, _ in draw(Identity(unchanged_prob=1.0), lesion, 3))
