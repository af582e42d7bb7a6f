"""Numbers of a case, counted by hand."""

import pytest
import torch

from ultraref.evaluation.metrics import CHANGE
from ultraref.models.quality import HARMED_BY, SCALARS, CaseEvidence, case_scalars, pooled_features

SIZE, SIDE = 32, 16


def evidence(coarse, sam, features=None, content=None, predicted_iou=0.8, stability=0.9):
    count = len(coarse)
    features = torch.zeros(count, 4, SIDE, SIDE, dtype=coarse.dtype) if features is None else features
    known = (torch.full((count,), value, dtype=coarse.dtype) for value in (predicted_iou, stability))
    return CaseEvidence(coarse, sam, features, *known, content)


def squares(*boxes, inside=1.0):
    prob = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64)
    for top, left, bottom, right in boxes:
        prob[..., top:bottom, left:right] = inside
    return prob


def named(case):
    return dict(zip(SCALARS, case_scalars(case)[0].tolist()))


def test_scalars_of_two_squares():
    # p: 8 x 8 at (4, 4) and 4 x 4 at (24, 24); q: 8 x 12, which holds the first.
    p, q = squares((4, 4, 12, 12), (24, 24, 28, 28)), squares((4, 4, 12, 16))
    found = named(evidence(p, q))
    assert found["agreement"] == pytest.approx(64 / (80 + 96 - 64))
    assert found["share_of_p_in_q"] == pytest.approx(64 / 80)
    assert found["share_of_q_in_p"] == pytest.approx(64 / 96)
    assert found["soft_dice_p_of_p"] == found["soft_dice_q_of_q"] == 1
    assert found["soft_dice_q_of_p"] == found["soft_dice_p_of_q"] == pytest.approx((2 * 64 + 1) / (80 + 96 + 1))
    assert found["side_p"] == pytest.approx((80 / 1024) ** 0.5)
    assert (found["entropy_p"], found["entropy_q"]) == (0, 0)
    assert (found["components_p"], found["components_p_low"], found["components_q"]) == (2 / 8, 2 / 8, 1 / 8)
    assert found["extent_p"] == pytest.approx(80 / 24**2)
    assert found["extent_q"] == 1
    assert (found["centre_x_q"], found["centre_y_q"]) == (10 / 32, 8 / 32)
    assert (found["predicted_iou"], found["stability"]) == (0.8, 0.9)


def test_a_weak_second_place_counts_below_half_alone():
    p = squares((4, 4, 12, 12)) + squares((24, 24, 28, 28), inside=0.4)
    found = named(evidence(p, p))
    assert (found["components_p"], found["components_p_low"]) == (1 / 8, 2 / 8)
    # 16 pixels of the entropy of 0.4, 0.971 bits, over 64 + 1.
    assert found["entropy_p"] == pytest.approx(16 * 0.970951 / 65 / 4, rel=1e-5)
    assert found["soft_dice_p_of_p"] == pytest.approx((2 * 64 + 1) / (64 + 6.4 + 64 + 1))


def test_padding_is_no_part_of_the_case():
    p, q = squares((4, 4, 12, 12)), squares((4, 4, 12, 12), (4, 20, 12, 28))
    content = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.bool)
    content[..., :16] = True
    found = named(evidence(p, q, content=content))
    assert found["agreement"] == 1
    assert found["side_p"] == pytest.approx((64 / 512) ** 0.5)
    assert (found["centre_x_p"], found["centre_y_p"]) == (0.5, 0.25)


@pytest.mark.parametrize(("p", "q"), [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.5, 0.5)])
def test_every_mask_gives_finite_numbers(p, q):
    case = evidence(torch.full((1, 1, SIZE, SIZE), p), torch.full((1, 1, SIZE, SIZE), q), predicted_iou=torch.nan)
    assert case_scalars(case).isfinite().all()
    assert case_scalars(case).abs().max() <= 2
    assert pooled_features(case).isfinite().all()


def test_features_are_averaged_under_the_masks_and_around_them():
    # The embedding is 1 under p, 2 in the ring of two cells, 3 elsewhere; a cell is 2 x 2 pixels.
    features = torch.full((1, 4, SIDE, SIDE), 3.0, dtype=torch.float64)
    features[..., 2:10, 2:10], features[..., 4:8, 4:8] = 2, 1
    pooled = pooled_features(evidence(squares((8, 8, 16, 16)), squares(), features))
    assert pooled[0].tolist() == [[1.0] * 4, [2.0] * 4, [0.0] * 4, [0.0] * 4]


def test_harm_is_what_the_metrics_count():
    assert HARMED_BY == CHANGE
