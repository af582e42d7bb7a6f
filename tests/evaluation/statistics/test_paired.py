"""The paired test: by hand, by scipy, and on made-up studies without and with an effect."""

import numpy as np
import pytest
from scipy import stats

from ultraref.evaluation.statistics import bootstrap_mean_ci, holm, paired_wilcoxon

STUDIES = 200


def test_by_hand():
    """Of differences 1, 2, 3, -4 the ranks' sums are 6 and 4: W+ - W- = 2 of 10. All 16 signs are alike likely, and 14 of them give a
    smaller sum of at most 4 (2 of 0, 1, 2 each; 4 of 3; 4 of 4)."""
    found = paired_wilcoxon([0.01, 0.02, 0.03, -0.04, 0.0])
    assert (found.count, found.unchanged) == (5, 1)
    assert found.effect == pytest.approx(0.2)
    assert found.p == pytest.approx(14 / 16)


def test_a_group_counts_once():
    values = np.random.default_rng(0).normal(0.1, 1.0, 30)
    one_each = paired_wilcoxon(values)
    assert paired_wilcoxon(np.repeat(values, 3), np.repeat(np.arange(30), 3)) == one_each
    assert one_each.p == pytest.approx(stats.wilcoxon(values).pvalue)
    # A patient's changes that cancel out are no change.
    assert paired_wilcoxon([0.1, -0.1, 0.3, -0.3], ["a", "a", "b", "b"]).p == 1


@pytest.mark.parametrize("values", [[], [float("nan")]])
def test_what_is_no_number_is_refused(values):
    with pytest.raises(ValueError, match="finite differences"):
        paired_wilcoxon(values)


def test_holm_by_hand():
    """Sorted 0.01, 0.02, 0.04 are multiplied by 3, 2 and 1, and none is below the one before it."""
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.03]) == pytest.approx([0.03])


def study(rng, effect: float, by_patient: bool):
    """Differences of Dice of 120 images: a few large ones, and with patients a part that a patient's images share."""
    patients = np.arange(120) // 3 if by_patient else np.arange(120)
    own = rng.standard_t(4, size=120) * 0.03
    shared = rng.normal(0, 0.04, size=120)[patients] if by_patient else 0.0
    return effect + own + shared, patients


@pytest.mark.parametrize("by_patient", [False, True])
def test_studies_without_effect_are_rarely_significant(by_patient):
    rng = np.random.default_rng(12)
    studies = [study(rng, 0.0, by_patient) for _ in range(STUDIES)]
    tests = [paired_wilcoxon(values, patients).p < 0.05 for values, patients in studies]
    assert np.mean(tests) <= 0.07
    intervals = [bootstrap_mean_ci(values, num_resamples=1_000, groups=patients) for values, patients in studies]
    assert np.mean([low > 0 or high < 0 for low, high in intervals]) <= 0.07
    if by_patient:
        # As if each image stood alone: what the grouping is for.
        assert np.mean([paired_wilcoxon(values).p < 0.05 for values, _ in studies]) > 0.1


@pytest.mark.parametrize("by_patient", [False, True])
def test_a_known_effect_is_recovered(by_patient):
    rng = np.random.default_rng(7)
    studies = [study(rng, 0.02, by_patient) for _ in range(STUDIES)]
    intervals = np.array([bootstrap_mean_ci(v, num_resamples=1_000, groups=p) for v, p in studies])
    assert np.mean((intervals[:, 0] < 0.02) & (intervals[:, 1] > 0.02)) > 0.9
    # Power of a z test of the mean, which Wilcoxon's doesn't fall much short of: standard error by the design above.
    error = np.sqrt((2 * 0.03**2 + (3 * 0.04**2 if by_patient else 0)) / 120)
    power = stats.norm.sf(1.96 - 0.02 / error)
    found = [paired_wilcoxon(values, patients) for values, patients in studies]
    assert np.mean([test.p < 0.05 for test in found]) > power - 0.1
    assert np.mean([test.effect > 0 for test in found]) > 0.9
