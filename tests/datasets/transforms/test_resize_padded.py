"""The frame that SAM sees, with padding."""

import numpy as np
import pytest
from segment_anything.utils.transforms import ResizeLongestSide as PublishedResize

from ultraref.datasets.transforms import GroundTruthPoints, PackSAM2RadInputs, PackSegInputs, ResizeToModels


def sample(height, width) -> dict:
    rng = np.random.default_rng(0)
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 4 : width // 2] = 1
    return {
        "img": rng.integers(1, 255, (height, width), dtype=np.uint8),
        "gt_seg_map": mask,
        "name": "a",
        "sizes": {"sam": 64},
    }


@pytest.mark.parametrize(("height", "width"), [(60, 90), (101, 67), (64, 64), (300, 211), (1000, 3)])
def test_content_has_the_size_of_the_published_code_and_the_rest_is_zero(height, width):
    results = ResizeToModels(inputs=["sam"], sam_fit="pad")(sample(height, width))
    rows, columns = results["content_size"]
    expected = PublishedResize.get_preprocess_shape(height, width, 64)
    assert (rows, columns) == tuple(max(1, side) for side in expected)
    for name in ("sam_image", "gt"):
        assert results[name].shape == (64, 64)
        assert results[name].dtype == np.uint8
        assert not results[name][rows:].any()
        assert not results[name][:, columns:].any()
    assert results["sam_image"][:rows, :columns].all()


def test_the_lesion_keeps_its_place_and_shape():
    results = ResizeToModels(inputs=["sam"], sam_fit="pad")(sample(64, 128))
    y, x = np.nonzero(results["gt"])
    # Rows 16 to 31 and columns 32 to 63 at half the size.
    assert (y.min(), y.max(), x.min(), x.max()) == (8, 15, 16, 31)


def test_packed_inputs():
    results = GroundTruthPoints()(ResizeToModels(inputs=["sam"], sam_fit="pad")(sample(64, 128)))
    packed = PackSAM2RadInputs(keep_original=True)(results)
    inputs = packed["inputs"]
    assert inputs["content_size"].tolist() == [32, 64]
    assert packed["data_samples"].metainfo["content_size"] == (32, 64)
    assert inputs["gt_points"].shape == (7, 2)
    assert inputs["gt_point_labels"].tolist() == [1, 1, 1, 1, 1, 0, 0]
    assert inputs["gt_points_valid"].item() is True
    assert packed["data_samples"].gt_original.data.shape == (1, 64, 128)


def test_without_padding_the_content_is_all():
    results = {"sam_image": np.zeros((64, 64), np.uint8), "name": "a"}
    assert PackSAM2RadInputs()(results)["inputs"]["content_size"].tolist() == [64, 64]


def test_refinement_inputs_carry_the_content_and_a_squashed_coarse_image():
    results = sample(64, 128)
    results["sizes"] = {"coarse": 32, "sam": 64}
    packed = PackSegInputs()(ResizeToModels(sam_fit="pad")(results))
    assert packed["inputs"]["content_size"].tolist() == [32, 64]
    assert packed["data_samples"].metainfo["content_size"] == (32, 64)
    assert packed["inputs"]["coarse_image"].shape == (1, 32, 32)
    assert packed["inputs"]["coarse_image"].all()
    squashed = ResizeToModels()({**sample(64, 128), "sizes": results["sizes"]})
    assert "content_size" not in PackSegInputs()(squashed)["inputs"]


def test_an_unknown_fit_is_refused():
    with pytest.raises(ValueError, match="sam_fit is 'crop'; it must be 'squash' or 'pad'"):
        ResizeToModels(sam_fit="crop")
