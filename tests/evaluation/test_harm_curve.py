"""Coverage, harm and gain, counted by hand."""

import pytest

from ultraref.errors import UserError
from ultraref.evaluation.harm_curve import available_scores, harm_curve


def rows():
    """In the order of agreement: helped, harmed, unchanged; and one that SAM wasn't asked about."""
    changes = {0.9: 0.08, 0.8: -0.04, 0.7: 0.0, None: 0.0}
    return [dict(agreement=score, delta_dice=change) for score, change in changes.items()]


def test_by_hand():
    curve = harm_curve(rows(), "agreement")
    assert curve.coverage.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve.harmed.tolist() == [0, 0, 0.25, 0.25, 0.25]
    assert curve.gain.tolist() == pytest.approx([0, 0.02, 0.01, 0.01, 0.01])
    assert curve.best_within(0.05) == (0.25, 0.0, pytest.approx(0.02))


def test_a_tie_never_flatters():
    tied = [dict(agreement=0.5, delta_dice=change) for change in (0.1, -0.1)]
    assert harm_curve(tied, "agreement").harmed.tolist() == [0, 0.5, 0.5]


def test_the_oracle_takes_what_helps():
    assert harm_curve(rows(), "oracle").best_within(0.0)[2] == pytest.approx(0.02)


def test_scores_are_those_of_the_table():
    assert available_scores(rows()) == ["agreement", "oracle"]
    predicted = [dict(row, predicted_dice_sam=0.8, predicted_dice_coarse=0.7) for row in rows()]
    assert available_scores(predicted) == ["gain", "quality", "agreement", "oracle"]
    with pytest.raises(UserError, match="column predicted_dice_sam"):
        harm_curve(rows(), "gain")
    with pytest.raises(UserError, match="must be one of safety, gain"):
        harm_curve(rows(), "luck")
