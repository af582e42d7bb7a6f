"""What all ultrasound augmentations promise, and each one's formula at a point, computed independently."""

from functools import lru_cache

import cv2
import numpy as np
import pytest
from scipy.interpolate import BSpline

from ultraref.datasets.transforms import RandomElasticWarp, RandomSpeckle, RandomZoomShift, may_change_image
from ultraref.datasets.transforms.resize_to_models import resize
from ultraref.datasets.transforms.ultrasound.base import log_uniform, spline_basis
from ultraref.datasets.transforms.ultrasound.gallery import augmentation_sheet
from ultraref.defaults import SHOWN_AUGMENTATIONS
from ultraref.registry import TRANSFORMS
from ultraref.testing.phantom import make_phantom

# Options that leave the sample as it is.
IDENTITY = {
    "RandomGammaContrast": {"gamma": (1, 1), "contrast": (1, 1)},
    "RandomTimeGain": {"depth_db": (0, 0), "slider_db": 0},
    "RandomAcousticShadow": {"db": (0, 0)},
    "RandomHaze": {"level": (0, 0)},
    "RandomSpeckle": {"strength": (0, 0)},
    "RandomElasticWarp": {"magnitude": (0, 0)},
    "RandomZoomShift": {"zoom": (1, 1), "shift": (0, 0)},
}
# An argument that is out of bounds, and what the message says of it.
WRONG = {
    "RandomGammaContrast": ({"gamma": (1.5, 0.7)}, r"gamma.*\(1\.5, 0\.7\)"),
    "RandomTimeGain": ({"sliders": 1}, "sliders.*at least 2.*1"),
    "RandomAcousticShadow": ({"db": (-3, 5)}, r"db.*\[0, 100\].*\(-3, 5\)"),
    "RandomHaze": ({"level": 50}, r"level.*range.*50"),
    "RandomSpeckle": ({"length": (0, 3)}, r"length.*\[0\.5, 50\].*\(0, 3\)"),
    "RandomElasticWarp": ({"magnitude": (0, 0.1), "spacing": 0.2}, r"magnitude.*\[0, 0\.094\].*\(0, 0\.1\)"),
    "RandomZoomShift": ({"zoom": (0, 1)}, r"zoom.*\[0\.2, 5\].*\(0, 1\)"),
}
WARPS = ("RandomElasticWarp", "RandomZoomShift")


def build(name, **options):
    return TRANSFORMS.build({"type": name, "prob": 1.0, **options})


@lru_cache
def phantom() -> tuple[np.ndarray, np.ndarray]:
    drawn = make_phantom(np.random.default_rng(3), "benign")
    return drawn.image, drawn.masks[0]


def sample(seed=0) -> dict:
    image, mask = phantom()
    return {
        "img": image.copy(),
        "gt_seg_map": mask.copy(),
        "coarse_prob": resize(mask.astype(np.float32), 64, 64),
        "rng": np.random.default_rng(seed),
    }


def flat(value, height=101, width=80, seed=0) -> dict:
    return {"img": np.full((height, width), value, np.uint8), "rng": np.random.default_rng(seed)}


def drawn(seed=0) -> np.random.Generator:
    """The generator that `apply` gets from a sample whose own has this seed."""
    rng = np.random.default_rng(seed)
    rng.random()
    return np.random.default_rng(rng.integers(2**63))


@pytest.mark.parametrize("name", SHOWN_AUGMENTATIONS)
class TestAll:
    def test_at_zero_strength_nothing_changes(self, name):
        before, after = sample(), build(name, **IDENTITY[name])(sample())
        for key in ("img", "gt_seg_map", "coarse_prob"):
            np.testing.assert_array_equal(after[key], before[key])

    def test_types_and_ranges_are_kept_and_the_input_is_not_written_to(self, name):
        before, given = sample(), sample()
        arrays = [given[key] for key in ("img", "gt_seg_map", "coarse_prob")]
        for seed in range(8):
            after = build(name)({**given, "rng": np.random.default_rng(seed)})
            assert not np.array_equal(after["img"], before["img"])
            assert (after["img"].dtype, after["gt_seg_map"].dtype) == (np.uint8, np.uint8)
            assert after["img"].shape == after["gt_seg_map"].shape == before["img"].shape
            assert set(np.unique(after["gt_seg_map"])) == {0, 1}
            assert after["coarse_prob"].dtype == np.float32
            assert 0 <= after["coarse_prob"].min() <= after["coarse_prob"].max() <= 1
        for array, key in zip(arrays, ("img", "gt_seg_map", "coarse_prob")):
            np.testing.assert_array_equal(array, before[key])

    def test_bytes_follow_the_samples_random_numbers(self, name):
        transform = build(name)
        first, again, other = (transform(sample(seed))["img"].tobytes() for seed in ([0, 1], [0, 1], [0, 2]))
        assert first == again != other

    def test_later_transforms_get_the_same_numbers_whatever_happens(self, name):
        tails = set()
        for options in ({}, {"prob": 0}, IDENTITY[name]):
            for results in (sample(7), flat(90, seed=7)):
                tails.add(build(name, **options)(results)["rng"].random())
        assert len(tails) == 1

    def test_prob_is_the_share_of_changed_samples(self, name):
        rng, transform, original = np.random.default_rng(0), build(name, prob=0.3), sample()
        changed = 0
        for _ in range(200):
            results = transform({**original, "rng": rng})
            changed += results["img"] is not original["img"]
        # Three binomial standard deviations.
        assert abs(changed / 200 - 0.3) < 0.1

    def test_only_warps_move_mask_and_coarse_prob(self, name):
        transform, before, after = build(name), sample(), build(name)(sample())
        moved = not np.array_equal(after["gt_seg_map"], before["gt_seg_map"])
        assert moved == (not np.array_equal(after["coarse_prob"], before["coarse_prob"])) == (name in WARPS)
        assert (transform.moves_pixels, transform.changes_grey) == (name in WARPS, name not in WARPS)
        assert may_change_image(type(transform))

    def test_image_and_coarse_prob_may_stand_alone(self, name):
        assert build(name)(flat(90))["img"].shape == (101, 80)

    def test_wrong_arguments_are_named(self, name):
        options, message = WRONG[name]
        with pytest.raises(ValueError, match=f"{name}: {message}"):
            build(name, **options)
        with pytest.raises(ValueError, match=rf"{name}: prob.*\[0, 1\].*1\.5"):
            build(name, prob=1.5)


@pytest.mark.parametrize("name", WARPS)
@pytest.mark.parametrize("seed", range(4))
def test_image_mask_and_coarse_prob_stay_aligned(name, seed):
    """The image is a soft blob, the mask the blob above one half, and the coarse probability the blob, resized."""
    y, x = np.mgrid[:90, :140].astype(np.float32)
    blob = np.exp(-(((y - 40) / 14) ** 2) - ((x - 80) / 22) ** 2)
    results = {
        "img": np.rint(blob * 255).astype(np.uint8),
        "gt_seg_map": (blob >= 0.5).astype(np.uint8),
        "coarse_prob": resize(blob, 64, 64),
        "rng": np.random.default_rng(seed),
    }
    after = build(name)(dict(results))
    assert not np.array_equal(after["gt_seg_map"], results["gt_seg_map"])
    kernel = np.ones((3, 3), np.uint8)
    outline = cv2.dilate(after["gt_seg_map"], kernel) != cv2.erode(after["gt_seg_map"], kernel)
    disagree = after["gt_seg_map"] != (after["img"] >= 128)
    assert not (disagree & ~outline).any()
    expected = resize(after["img"].astype(np.float32) / 255, 64, 64)
    np.testing.assert_allclose(after["coarse_prob"], expected, atol=0.03)


def test_gamma_and_contrast():
    image = np.array([[0, 51, 102, 255]], np.uint8)
    bent = build("RandomGammaContrast", gamma=(2, 2), contrast=(1, 1))({"img": image, "rng": np.random.default_rng(0)})
    # 255 (g / 255)^2: 51 is a fifth, 102 two fifths.
    assert bent["img"].tolist() == [[0, 10, 41, 255]]
    image = np.array([[100, 140, 120, 120]], np.uint8)
    wide = build("RandomGammaContrast", gamma=(1, 1), contrast=(1.5, 1.5))(
        {"img": image, "rng": np.random.default_rng(0)}
    )
    # About the mean of 120, 20 becomes 30.
    assert wide["img"].tolist() == [[90, 150, 120, 120]]


def test_black_stays_black_when_contrast_falls_or_gain_rises():
    image = np.tile(np.array([0, 200], np.uint8), (50, 20))
    for name, options in (("RandomGammaContrast", {"contrast": (0.5, 0.5)}), ("RandomTimeGain", {"depth_db": (9, 9)})):
        after = build(name, **options)({"img": image, "rng": np.random.default_rng(0)})["img"]
        assert not after[:, ::2].any()


def test_time_gain():
    after = build("RandomTimeGain", depth_db=(-12, -12), slider_db=0, dynamic_range=51)(flat(200))["img"]
    # 255 / 51 = 5 grey values each dB; row 50 of 0 to 100 lies at half the depth.
    assert after[[0, 50, 100], 7].tolist() == [200, 200 - 30, 200 - 60]
    sliders = build("RandomTimeGain", depth_db=(0, 0), slider_db=4, sliders=3, dynamic_range=51)(flat(120))["img"]
    rng = drawn()
    rng.uniform(0, 0)
    top, middle, bottom = rng.uniform(-4, 4, 3)
    expected = 120 + 5 * np.array([top, (top + middle) / 2, middle, bottom])
    np.testing.assert_allclose(sliders[[0, 25, 50, 100], 3], expected, atol=0.51)


def test_acoustic_shadow():
    options = {"db": (10, 10), "width": (0.5, 0.5), "spread": (0, 0), "tilt": 0, "top": (0.2, 0.2), "dynamic_range": 51}
    after = build("RandomAcousticShadow", **options)(flat(200))["img"]
    centre = drawn().uniform(0, 79)
    assert (after[:21] == 200).all()
    # Half the width is 20 px. 15 % of 101 rows below row 20 the shadow has its full depth, and at row 28 8 / 15.15.
    x = np.arange(80)
    for row, rise in ((28, 8 / 15.15), (60, 1), (100, 1)):
        expected = 200 - 5 * 10 * rise * np.exp(-(((x - centre) / 20) ** 2))
        np.testing.assert_allclose(after[row], expected, atol=0.51)


def test_an_acoustic_shadow_leans_and_widens():
    options = {"db": (10, 10), "width": (0.1, 0.1), "top": (0, 0), "dynamic_range": 51}
    after = build("RandomAcousticShadow", spread=(0.3, 0.3), tilt=0.2, **options)(flat(200, width=300, seed=5))["img"]
    rng = drawn(5)
    centre = rng.uniform(0, 299)
    for _ in range(4):
        rng.random()
    tilt = rng.uniform(-0.2, 0.2)
    for row in (30, 90):
        u = (np.arange(300) - centre - tilt * row) / (15 + 0.3 * row)
        np.testing.assert_allclose(after[row], 200 - 50 * np.exp(-(u**2)), atol=0.51)


def test_haze():
    options = {"level": (100, 100), "scale": (0.3, 0.3), "fade": (1, 1)}
    dark, bright = (build("RandomHaze", **options)(flat(value))["img"].astype(float) for value in (0, 204))
    # The same veil h on black, and a fifth of it on 204 = 0.8 x 255.
    np.testing.assert_allclose(bright - 204, dark / 5, atol=0.7)
    assert 30 < dark.max() <= 100
    assert not dark[-1].any()
    steps = np.abs(np.diff(dark, axis=1))
    assert steps.max() <= 100 / (0.3 * 101) * 1.5 + 1  # smooth: over 30 px at most from 0 to 100, by splines


def test_speckle_has_the_stated_strength_and_correlation():
    results = flat(120, 700, 700)
    options = {"strength": (0.1, 0.1), "length": (4, 4), "aspect": (1.5, 1.5)}
    noise = RandomSpeckle(prob=1.0, **options)(results)["img"].astype(float) / 120 - 1
    assert abs(noise.mean()) < 0.005
    assert abs(noise.std() - 0.1) < 0.003

    def correlation(lag_y, lag_x):
        first, second = noise[: 700 - lag_y, : 700 - lag_x], noise[lag_y:, lag_x:]
        return (first * second).mean() / noise.var()

    for lag in (2, 4, 6):
        assert abs(correlation(lag, 0) - np.exp(-((lag / 4) ** 2))) < 0.04
        assert abs(correlation(0, lag) - np.exp(-((lag / 6) ** 2))) < 0.04


def test_splines_are_uniform_cubic_b_splines_that_sum_to_one():
    basis = spline_basis(np.arange(50), 7.5, 50)
    np.testing.assert_allclose(basis.sum(axis=1), 1, atol=1e-6)
    assert (basis > 0).sum(axis=1).max() <= 4
    # Node 3 lies at 2 spacings from the frame's edge, and its spline reaches two spacings to each side.
    spline = BSpline.basis_element(np.arange(5) - 2.0, extrapolate=False)
    expected = np.nan_to_num(spline((np.arange(50) + 0.5) / 7.5 - 2))
    np.testing.assert_allclose(basis[:, 3], expected, atol=1e-6)


def test_an_elastic_warp_moves_a_ramp_by_its_displacement_and_does_not_fold():
    height, width = 100, 200
    ramp = np.tile(np.arange(width, dtype=np.uint8), (height, 1))
    results = {
        "img": ramp,
        "coarse_prob": resize(ramp.astype(np.float32) / 255, 50, 50),
        "rng": np.random.default_rng(0),
    }
    after = RandomElasticWarp((0.09, 0.09), spacing=0.2, prob=1.0)(results)
    rng = drawn()
    bound = rng.uniform(0.09, 0.09) * height
    rows, columns = spline_basis(np.arange(height), 20, height), spline_basis(np.arange(width), 20, width)
    nodes = rng.uniform(-bound, bound, (2, rows.shape[1], columns.shape[1]))
    displaced = np.arange(width) + rows @ nodes[0] @ columns.T
    np.testing.assert_allclose(after["img"], np.clip(displaced, 0, width - 1), atol=0.6)
    # Moving right never goes back.
    assert (np.diff(displaced, axis=1) > 0).all()
    expected = resize(after["img"].astype(np.float32) / 255, 50, 50)
    np.testing.assert_allclose(after["coarse_prob"], expected, atol=0.015)


def test_zoom_and_shift():
    image = np.zeros((101, 101), np.uint8)
    image[45:56, 55:66] = 255  # its centre is 10 px to the right of the image's
    transform = RandomZoomShift(zoom=(2, 2), shift=(0.1, 0.1), prob=1.0)
    after = transform({"img": image, "gt_seg_map": image // 255, "rng": np.random.default_rng(0)})
    y, x = np.argwhere(after["gt_seg_map"]).mean(0)
    np.testing.assert_allclose((x, y), (50 + 2 * 10 + 10.1, 50 + 10.1), atol=0.5)
    assert abs(after["gt_seg_map"].sum() / 121 - 4) < 0.4


def test_factors_are_as_likely_below_as_above_their_geometric_mean():
    rng = np.random.default_rng(0)
    factors = np.array([log_uniform(rng, 0.5, 2) for _ in range(2000)])
    assert 0.5 <= factors.min() < factors.max() <= 2
    assert abs((factors < 1).mean() - 0.5) < 0.04


def test_the_sheet_shows_originals_and_draws():
    sheet = augmentation_sheet([(phantom()[0], None)], SHOWN_AUGMENTATIONS[:2], columns=3, tile=64)
    assert sheet.shape == (2 * (64 + 4 + 18) + 4, 3 * (64 + 4) + 4)
    tiles = [sheet[22 : 22 + 64, 4 + k * 68 : 68 + k * 68] for k in range(3)]
    assert len({tile.tobytes() for tile in tiles}) == 3
