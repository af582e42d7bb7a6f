import pytest

from ultraref.engine.gate_calibration import calibration_warnings, check_record, data_hash, describe_calibration

RECORD = dict(
    n=98,
    unit="duplicate group",
    images=104,
    alpha=0.05,
    score="agreement",
    gate={"type": "ConstantGate", "value": 1.0},
    threshold="0.81",
    change=0.01,
    accepted=0.5,
    harmed=3,
    sets=["busi"],
    data_hash=data_hash(["a", "b"]),
)


def test_words_say_what_was_calibrated_on_and_what_came_out():
    text = describe_calibration(RECORD)
    for part in (
        "104 images of busi",
        "98 units, each a duplicate group",
        "at most 5.0% harmed",
        "at least 0.81",
        "50%",
    ):
        assert part in text


def test_words_say_that_nothing_is_accepted_and_how_many_units_alpha_needs():
    # (0 + 1) / (n + 1) <= 0.05 from n = 19 on.
    text = describe_calibration({**RECORD, "threshold": "inf", "n": 12, "accepted": 0.0})
    assert "every coarse mask is kept; 12 units are too few for this alpha, which needs 19" in text


def test_words_say_that_all_is_accepted():
    assert "need not leave out any case" in describe_calibration({**RECORD, "threshold": "-inf", "accepted": 1.0})


def test_other_sets_and_the_same_images_are_warned_of():
    assert calibration_warnings(RECORD, ["busi"], ["c"]) == []
    (other,) = calibration_warnings(RECORD, ["busi", "busbra"], ["c"])
    assert "promises nothing on busbra" in other
    (same,) = calibration_warnings(RECORD, ["busi"], ["b", "a"])
    assert "the images that the gate was calibrated on" in same


def test_a_whole_record_is_accepted():
    check_record(RECORD)
    check_record({**RECORD, "alpha": 0.5, "accepted": 1, "harmed": 0, "threshold": "-inf"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(n="98"), "n is '98'"),
        (dict(harmed=True), "harmed is True"),
        (dict(sets=[]), r"sets is \[\]"),
        (dict(sets=[{}]), "sets is"),
        (dict(alpha=0), "alpha is 0"),
        (dict(alpha=float("nan")), "alpha is nan"),
        (dict(accepted=1.5), "accepted 1.5"),
        (dict(harmed=99), "harmed 99 of 98"),
        (dict(data_hash="a"), "data_hash is 'a'"),
        (dict(comment="trust me"), "'comment', which no record has"),
        (dict(unit=None), "unit is None"),
    ],
)
def test_a_record_that_cannot_be_one_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        check_record({**RECORD, **change})
