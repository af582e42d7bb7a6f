"""The bootstrap interval against scipy's and against the normal approximation."""

import numpy as np
import pytest
from scipy import stats

from ultraref.evaluation.statistics import bootstrap_mean_ci, bootstrap_means, percentile_interval


def test_against_scipy():
    values = np.random.default_rng(0).exponential(size=60)
    low, high = bootstrap_mean_ci(values)
    expected = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=1).confidence_interval
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_normal_approximation_of_many_values():
    values = np.random.default_rng(0).normal(0.3, 1.0, size=2_000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert bootstrap_mean_ci(values) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.004)


def test_same_seed_same_interval_and_constant_values():
    values = [0.1, 0.4, 0.2]
    assert bootstrap_mean_ci(values, seed=3) == bootstrap_mean_ci(values, seed=3)
    assert bootstrap_mean_ci([0.5] * 4) == (0.5, 0.5)


@pytest.mark.parametrize("values", [[], [0.1, float("nan")]])
def test_bad_values_are_refused(values):
    with pytest.raises(ValueError, match="finite values"):
        bootstrap_mean_ci(values)


def test_a_group_for_each_image_is_the_plain_bootstrap():
    values = np.random.default_rng(1).normal(size=40)
    assert bootstrap_mean_ci(values, groups=[str(i) for i in range(40)]) == bootstrap_mean_ci(values)


def test_copies_of_an_image_add_nothing():
    """Each patient has four equal images, which say what one says."""
    values = np.random.default_rng(2).normal(size=30)
    low, high = bootstrap_mean_ci(values)
    copies = np.repeat(values, 4)
    patients = np.repeat(np.arange(30), 4)
    assert bootstrap_mean_ci(copies, groups=patients) == pytest.approx((low, high), abs=1e-12)
    drawn_one_by_one = bootstrap_mean_ci(copies)
    assert drawn_one_by_one[1] - drawn_one_by_one[0] < 0.6 * (high - low)


def test_a_larger_patient_weighs_more():
    """The mean is over images: of a patient with three images of 1 and one with a single 0, 3/4; a resample can also be of one alone."""
    means = bootstrap_means(np.array([[1.0], [1.0], [1.0], [0.0]]), 2_000, groups=["a", "a", "a", "b"])
    assert set(np.unique(means)) == {0.0, 0.75, 1.0}
    assert np.mean(means == 0.75) == pytest.approx(0.5, abs=0.05)


def test_columns_share_their_resamples():
    values = np.random.default_rng(3).normal(size=(20, 1))
    means = bootstrap_means(np.hstack([values, 2 * values]), 100)
    assert means[:, 1] == pytest.approx(2 * means[:, 0])


def test_a_group_for_each_value_is_needed():
    with pytest.raises(ValueError, match="3 values and 2 groups"):
        bootstrap_mean_ci([0.1, 0.2, 0.3], groups=["a", "b"])


def test_percentiles_of_few_groups_lie_farther_out():
    """For means that are normal, the interval is +- sqrt(n / (n - 1)) * t of their own spread: of 10 groups 1.0541 * 2.2622."""
    means = np.random.default_rng(0).normal(size=200_000)
    low, high = percentile_interval(means, 10)
    assert (low, high) == pytest.approx((-2.3846, 2.3846), abs=0.03)
    assert percentile_interval(means, 10_000) == pytest.approx((-1.96, 1.96), abs=0.02)
    # Of a single group there is one resample only.
    assert percentile_interval(np.full(5, 0.3), 1) == (0.3, 0.3)


def test_an_interval_of_ten_images_is_right_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    intervals = [bootstrap_mean_ci(rng.normal(size=10), num_resamples=1_000) for _ in range(400)]
    assert np.mean([low < 0 < high for low, high in intervals]) == pytest.approx(0.95, abs=0.03)
