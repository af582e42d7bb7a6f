import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.stats import chisquare

from ultraref.datasets.mask_errors import PRESETS, MaskErrorAugmentor
from ultraref.datasets.mask_errors.augmentor import TEMPERATURE
from ultraref.datasets.mask_errors.find_masks import find_masks
from ultraref.registry import MASK_ERRORS

KEYS = {
    "error_type",
    "params",
    "secondary",
    "soft",
    "temperature",
    "fallback",
    "dice",
    "area_ratio",
    "primary_dice",
    "primary_area_ratio",
}


def test_default_weights_are_the_references_table():
    # UltraRefiner, 3.1.2, in percent.
    table = [15, 17, 10, 17, 12, 10, 10, 17, 10, 10, 4, 3]
    assert [round(100 * weight) for weight in PRESETS["default"].values()] == table
    assert MaskErrorAugmentor().probabilities.sum() == pytest.approx(1)
    assert MaskErrorAugmentor().probabilities[0] == pytest.approx(0.15 / 1.35)


def test_other_presets_are_what_the_reference_says():
    names = list(PRESETS["default"])
    for preset in PRESETS.values():
        assert list(preset) == names
    for name in ("mild", "severe", "boundary_focus", "structural"):
        assert sum(PRESETS[name].values()) == pytest.approx(1)
    assert PRESETS["mild"]["Identity"] == 0.30
    severe = PRESETS["severe"]
    assert (severe["GiantOverSegmentation"], severe["Empty"], severe["NoiseScatter"]) == (0.20, 0.03, 0.02)
    focus, structural = PRESETS["boundary_focus"], PRESETS["structural"]
    assert focus["OverSegmentation"] + focus["UnderSegmentation"] == pytest.approx(0.5)
    structure = structural["InternalHoles"] + structural["MissingChunk"] + structural["Fragmentation"]
    assert structure == pytest.approx(0.4)


@pytest.mark.parametrize("preset", PRESETS)
def test_frequencies_are_the_normalised_weights(preset):
    augmentor = MaskErrorAugmentor(preset=preset)
    rng = np.random.default_rng(11)
    counts = np.bincount([augmentor.draw_error(rng) for _ in range(20_000)], minlength=len(PRESETS[preset]))
    weights = np.array(list(PRESETS[preset].values()))
    assert chisquare(counts, 20_000 * weights / weights.sum()).pvalue > 1e-3


def test_the_type_that_is_drawn_is_the_type_that_is_applied(round_lesion):
    augmentor = MaskErrorAugmentor()
    for seed in range(30):
        drawn = augmentor.errors[augmentor.draw_error(np.random.default_rng(seed))].name
        assert augmentor(round_lesion, np.random.default_rng(seed))[1]["error_type"] == drawn


def test_probability_and_record_agree(lesion):
    augmentor = MaskErrorAugmentor()
    before = lesion.tobytes()
    for seed in range(60):
        prob, record = augmentor(lesion, np.random.default_rng(seed))
        assert prob.dtype == np.float32
        assert prob.shape == lesion.shape
        assert prob.min() >= 0
        assert prob.max() <= 1
        assert set(record) == KEYS
        assert json.loads(json.dumps(record)) == record
        binary = prob > 0.5
        total = binary.sum() + lesion.sum()
        assert record["dice"] == pytest.approx(2 * (binary & (lesion == 1)).sum() / total, abs=1e-12)
        assert record["area_ratio"] == pytest.approx(binary.sum() / lesion.sum(), abs=1e-12)
        assert record["soft"] == (record["temperature"] is not None)
        if record["soft"]:
            assert TEMPERATURE[0] <= record["temperature"] <= TEMPERATURE[1]
        else:
            assert set(np.unique(prob)) <= {0.0, 1.0}
        if not record["secondary"]:
            assert (record["dice"], record["area_ratio"]) == (record["primary_dice"], record["primary_area_ratio"])
    assert lesion.tobytes() == before


def test_shares_of_soft_maps_and_secondaries(round_lesion):
    augmentor = MaskErrorAugmentor(weights={"Empty": 1.0})
    records = [augmentor(round_lesion, np.random.default_rng([5, seed]))[1] for seed in range(1500)]
    # Four standard deviations of a proportion of 1500.
    assert np.mean([record["soft"] for record in records]) == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / 1500))
    numbers = np.bincount([len(record["secondary"]) for record in records], minlength=3) / 1500
    np.testing.assert_allclose(numbers, [0.5, 0.25, 0.25], atol=4 * np.sqrt(0.25 / 1500))
    temperatures = [record["temperature"] for record in records if record["soft"]]
    low, high = TEMPERATURE
    assert np.mean(temperatures) == pytest.approx((low + high) / 2, abs=4 * (high - low) / np.sqrt(12 * 1200))
    assert {name for record in records for name in record["secondary"]} == {"boundary_jitter", "threshold_fluctuation"}
    assert all(len(set(record["secondary"])) == len(record["secondary"]) for record in records)


def test_primary_scores_are_those_of_the_error_alone(round_lesion):
    # The primary error draws first, so the same state gives the same primary with and without what follows.
    bare = MaskErrorAugmentor(weights={"Shift": 1.0}, soft_prob=0.0, secondary_prob=0.0)
    full = MaskErrorAugmentor(weights={"Shift": 1.0}, soft_prob=1.0, secondary_prob=1.0)
    for seed in range(20):
        expected = bare(round_lesion, np.random.default_rng(seed))[1]
        found = full(round_lesion, np.random.default_rng(seed))[1]
        assert found["params"] == expected["params"]
        assert found["primary_dice"] == expected["dice"]
        assert found["primary_area_ratio"] == expected["area_ratio"]
        assert found["secondary"]
        assert found["soft"]


def test_same_seed_epoch_index_same_bytes_and_no_global_state(round_lesion):
    np.random.seed(0)  # noqa: NPY002 -- a call on the global state must change nothing
    first = MaskErrorAugmentor()(round_lesion, np.random.default_rng([1, 2, 3]))
    np.random.seed(1)  # noqa: NPY002
    augmentor = MaskErrorAugmentor()
    augmentor(round_lesion, np.random.default_rng([9, 9, 9]))
    second = augmentor(round_lesion, np.random.default_rng([1, 2, 3]))
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1] == second[1]
    others = [(1, 2, 4), (1, 3, 3), (2, 2, 3)]
    assert all(augmentor(round_lesion, np.random.default_rng(key))[1] != first[1] for key in others)


def test_the_number_of_threads_changes_nothing():
    rows, columns = np.mgrid[:600, :700]
    mask = (np.hypot((rows - 300) / 0.7, columns - 320) < 150).astype(np.uint8)
    before = cv2.getNumThreads()

    def samples(threads):
        cv2.setNumThreads(threads)
        augmentor = MaskErrorAugmentor()
        return [augmentor(mask, np.random.default_rng([0, 0, index])) for index in range(40)]

    try:
        one, four = samples(1), samples(4)
    finally:
        cv2.setNumThreads(before)
    assert [prob.tobytes() for prob, _ in one] == [prob.tobytes() for prob, _ in four]
    assert [record for _, record in one] == [record for _, record in four]


@settings(deadline=None, max_examples=150)
@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.integers(0, 1)),
    st.sampled_from(sorted(PRESETS["default"])),
    st.integers(0, 2**32),
)
def test_any_mask_with_lesion_and_background_gives_a_sample(mask, name, seed):
    augmentor = MaskErrorAugmentor(weights={name: 1.0}, secondary_prob=1.0)
    if not mask.any() or mask.all():
        with pytest.raises(ValueError, match="lesion mask"):
            augmentor(mask, np.random.default_rng(seed))
        return
    prob, record = augmentor(mask, np.random.default_rng(seed))
    assert np.isfinite(prob).all()
    assert record["area_ratio"] == pytest.approx((prob > 0.5).sum() / mask.sum())
    if name == "OverSegmentation" and record["fallback"] is None:
        assert 1.2 <= record["primary_area_ratio"] <= 3
    if name == "UnderSegmentation" and record["fallback"] is None:
        assert 0.4 <= record["primary_area_ratio"] <= 0.9


def test_mixtures_of_ones_own():
    by_name = MaskErrorAugmentor(weights={"Shift": 3, "Empty": 1})
    np.testing.assert_allclose(by_name.probabilities, [0.75, 0.25])
    configs = [
        {"type": "OverSegmentation", "weight": 1, "ratio": (1.5, 1.6)},
        {"type": "OverSegmentation", "weight": 1, "ratio": (2.5, 2.6)},
    ]
    by_config = MASK_ERRORS.build({"type": "MaskErrorAugmentor", "weights": configs})
    assert [error.ratio for error in by_config.errors] == [(1.5, 1.6), (2.5, 2.6)]
    assert configs[0]["weight"] == 1  # a config is not consumed


def test_an_error_of_weight_zero_is_never_drawn():
    augmentor = MaskErrorAugmentor(weights={"Empty": 0, "Shift": 1, "Bridge": 0})

    class Extreme:
        def __init__(self, value):
            self.value = value

        def random(self):
            return self.value

    assert [augmentor.draw_error(Extreme(value)) for value in (0.0, np.nextafter(1.0, 0.0))] == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "medium"}, r"'medium'.*|boundary_focus"),
        ({"preset": "mild", "weights": {"Shift": 1}}, "a preset or weights"),
        ({"weights": {}}, "empty"),
        ({"weights": {"Shift": 0}}, "all 0"),
        ({"weights": {"Shift": -1}}, "Shift must be 0 or more"),
        ({"weights": {"Shift": float("nan")}}, "Shift must be 0 or more"),
        ({"weights": {"Shfit": 1}}, "did you mean Shift"),
        ({"weights": [{"type": "Shift"}]}, "no 'weight'"),
        ({"soft_prob": 1.2}, "soft_prob"),
        ({"temperature": (0.0, 8.0)}, "temperature"),
        ({"temperature": (8.0, 2.0)}, "temperature"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        MaskErrorAugmentor(**arguments)


@pytest.mark.realdata
def test_at_most_2_percent_of_real_samples_fall_back(busi_root):
    masks = list(find_masks(busi_root).values())
    for name in PRESETS["default"]:
        if name == "GiantOverSegmentation":
            continue  # needs a lesion below 32 % of the frame
        augmentor = MaskErrorAugmentor(weights={name: 1.0}, soft_prob=0.0)
        records = [augmentor(mask, np.random.default_rng([0, index]))[1] for index, mask in enumerate(masks)]
        assert np.mean([record["fallback"] is not None for record in records]) <= 0.02, name


def test_temperature_is_in_pixels_of_the_coarse_frame(round_lesion):
    """A coarse pixel of two native ones makes the map that twice the temperature makes in native pixels."""
    options = dict(weights={"Identity": 1.0}, soft_prob=1.0, secondary_prob=0.0)
    coarse = MaskErrorAugmentor(temperature=(1.5, 1.5), **options)
    native = MaskErrorAugmentor(temperature=(3.0, 3.0), **options)
    expected, _ = native(round_lesion, np.random.default_rng(0))
    found, record = coarse(round_lesion, np.random.default_rng(0), coarse_pixel=2.0)
    np.testing.assert_array_equal(found, expected)
    assert record["temperature"] == 1.5
