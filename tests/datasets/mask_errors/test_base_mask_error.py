import numpy as np
import pytest

from ultraref.datasets.mask_errors import PRESETS, BaseMaskError, MaskErrorAugmentor, check_mask
from ultraref.registry import MASK_ERRORS

PRIMARIES = sorted(PRESETS["default"])


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((8, 9), np.uint8), "empty"),
        (np.ones((8, 9), np.uint8), "fills the whole frame"),
        (np.eye(8, dtype=np.uint8) * 255, "up to 255"),
        (np.eye(8), "dtype float64"),
        (np.full((8, 9), np.nan, np.float32), "72 NaN"),
        (np.eye(8, dtype=bool), "dtype bool"),
        (np.eye(8, dtype=np.uint8)[None], r"\(1, 8, 8\)"),
        (np.zeros((0, 9), np.uint8), r"\(0, 9\)"),
        ([[0, 1], [1, 0]], "found list"),
    ],
)
@pytest.mark.parametrize("name", [*PRIMARIES, "MaskErrorAugmentor"])
def test_says_what_is_wrong_with_a_mask(name, mask, message):
    with pytest.raises(ValueError, match=message):
        MASK_ERRORS.build({"type": name})(mask, np.random.default_rng(0))


@pytest.mark.parametrize("name", PRIMARIES)
def test_any_memory_layout_gives_the_same_result(name, round_lesion):
    error = MASK_ERRORS.build({"type": name})
    expected, _ = error(round_lesion, np.random.default_rng(3))
    for same in (np.asfortranarray(round_lesion), round_lesion[::-1].copy()[::-1], np.pad(round_lesion, 4)[4:-4, 4:-4]):
        np.testing.assert_array_equal(error(same, np.random.default_rng(3))[0], expected)


@pytest.mark.parametrize("name", PRIMARIES)
def test_same_generator_state_same_bytes_and_another_state_others(name, round_lesion):
    error = MASK_ERRORS.build({"type": name})
    outcomes = [error(round_lesion, np.random.default_rng([1, 2, k])) for k in range(8)]
    again = [error(round_lesion, np.random.default_rng([1, 2, k])) for k in range(8)]
    assert [mask.tobytes() for mask, _ in outcomes] == [mask.tobytes() for mask, _ in again]
    assert [params for _, params in outcomes] == [params for _, params in again]
    assert len({mask.tobytes() for mask, _ in outcomes}) > 1


def test_name_is_in_snake_case():
    class ThreeWordsHere(BaseMaskError):
        def apply(self, mask, rng):
            return mask.copy(), {}

    assert ThreeWordsHere().name == "three_words_here"
    assert MaskErrorAugmentor().errors[0].name == "identity"


def test_secondary_perturbations_may_follow_an_emptied_mask():
    check_mask(np.zeros((4, 4), np.uint8), needs_lesion=False)
    with pytest.raises(ValueError, match="up to 2"):
        check_mask(np.full((4, 4), 2, np.uint8), needs_lesion=False)


@pytest.mark.parametrize(
    "config",
    [
        {"type": "OverSegmentation", "ratio": (3.0, 1.2)},
        {"type": "OverSegmentation", "ratio": (0.5, 2.0)},
        {"type": "UnderSegmentation", "ratio": (0.4, 1.5)},
        {"type": "UnderSegmentation", "ratio": 0.4},
        {"type": "InternalHoles", "count": (1.5, 3)},
        {"type": "InternalHoles", "count": (0, 3)},
        {"type": "Fragmentation", "width": (float("nan"), 8.0)},
        {"type": "Empty", "fragment_prob": 1.5},
        {"type": "BoundaryJitter", "kernel": (4, 4)},
    ],
)
def test_bad_parameters_are_named(config):
    # The registry may wrap the error; the argument's name must be in the text either way.
    argument = f"{config['type']}.{next(key for key in config if key != 'type')}"
    with pytest.raises(ValueError, match=argument):
        MASK_ERRORS.build(config)
