import numpy as np
import pytest

from ultraref.errors import UserError
from ultraref.evaluation.statistics import conformal_threshold


def found(scores, harmed, alpha, groups=None):
    groups = [str(number) for number in range(len(scores))] if groups is None else groups
    return conformal_threshold(scores, harmed, groups, alpha)


def test_leaves_out_the_first_unit_too_many():
    # n = 19: at alpha 0.1, (k + 1) / 20 allows k = 1 harmed unit. Of those at 0.9, 0.5 and 0.3 only the first may be accepted.
    scores = np.linspace(0.05, 0.95, 19)
    harmed = np.isin(np.arange(19), [17, 9, 5])
    result = found(scores, harmed, 0.1)
    assert result.threshold == np.nextafter(np.float32(scores[9]), np.float32(1))
    assert (result.units, result.harmed, result.accepted) == (19, 1, pytest.approx(9 / 19))


def test_accepts_all_where_no_more_is_harmed_than_is_allowed():
    result = found(np.linspace(0, 1, 19), np.arange(19) == 3, 0.1)
    assert (result.threshold, result.accepted, result.harmed) == (-np.inf, 1.0, 1)


def test_accepts_nothing_where_there_are_too_few_units():
    # (0 + 1) / (18 + 1) > 0.05, and 19 units are just enough.
    assert found(np.ones(18), np.zeros(18), 0.05).threshold == np.inf
    assert found(np.ones(18), np.zeros(18), 0.05).accepted == 0
    assert found(np.ones(19), np.zeros(19), 0.05).threshold == -np.inf


def test_a_unit_is_harmed_where_any_of_its_images_is():
    # Nine units of two images; the second image of unit 0 is harmed at 0.8, at alpha 0.1 none may be.
    groups = [str(number // 2) for number in range(18)]
    scores = np.where(np.arange(18) == 1, 0.8, 0.1 + np.arange(18) / 20)
    result = found(scores, np.arange(18) == 1, 0.1, groups)
    assert (result.units, result.harmed) == (9, 0)
    assert result.threshold == np.nextafter(np.float32(0.8), np.float32(1))


def test_what_has_no_score_is_not_accepted():
    result = found([np.nan] * 19, np.ones(19), 0.1)
    assert (result.threshold, result.accepted, result.harmed) == (-np.inf, 0.0, 0)


@pytest.mark.parametrize("ties", [False, True])
def test_the_promise_holds_over_random_halves(ties):
    """400 random halves of 220 made-up units: calibrate on one, count on the other."""
    alpha, n, rng = 0.05, 110, np.random.default_rng(0)
    quality = rng.normal(size=2 * n)
    harmed = rng.random(2 * n) < 1 / (1 + np.exp(quality))
    scores = (quality + rng.normal(size=2 * n)).astype(np.float32)
    scores = np.round(scores * 2) / 2 if ties else scores
    shares = []
    for _ in range(400):
        order = rng.permutation(2 * n)
        half, other = order[:n], order[n:]
        threshold = found(scores[half], harmed[half], alpha).threshold
        shares.append(np.mean(harmed[other] & (scores[other] >= threshold)))
    assert harmed.mean() > 8 * alpha
    assert np.mean(shares) <= alpha
    if not ties:
        # Without ties a new unit is harmed with probability 5 / 111 exactly, for floor(0.05 * 111) = 5.
        error = np.std(shares) / np.sqrt(len(shares))
        assert np.mean(shares) == pytest.approx(5 / 111, abs=4 * error)


@pytest.mark.parametrize("alpha", [0, 1, 1.5])
def test_alpha_is_a_share(alpha):
    with pytest.raises(UserError, match="alpha"):
        found([1.0], [False], alpha)


def test_each_image_needs_all_three():
    with pytest.raises(UserError, match="2 scores, 1 harms and 2 groups"):
        conformal_threshold([1.0, 0.5], [True], ["a", "b"], 0.1)
