"""What leaves the pipeline."""

import numpy as np
import torch

from ultraref.datasets.transforms import PackSegInputs


def results(**more):
    mask = np.eye(6, 8, dtype=np.uint8)
    return {
        "name": "a",
        "dataset": "toy",
        "fold": None,
        "ori_shape": (6, 8),
        "img": np.zeros((6, 8), np.uint8),
        "gt_seg_map": mask,
        "rng": np.random.default_rng(0),
        "sam_image": np.arange(16, dtype=np.uint8).reshape(4, 4),
        "gt": np.eye(4, dtype=np.uint8),
        **more,
    }


def test_tensors_keep_values_and_types():
    prob = np.random.default_rng(0).random((3, 3), dtype=np.float32)
    packed = PackSegInputs()(results(coarse_prob=prob))
    assert set(packed) == {"inputs", "data_samples"}
    assert set(packed["inputs"]) == {"sam_image", "coarse_prob"}
    assert torch.equal(packed["inputs"]["sam_image"], torch.arange(16, dtype=torch.uint8).view(1, 4, 4))
    assert torch.equal(packed["inputs"]["coarse_prob"], torch.from_numpy(prob)[None])
    sample = packed["data_samples"]
    assert torch.equal(sample.gt_sem_seg.data, torch.eye(4, dtype=torch.uint8)[None])
    assert "gt_original" not in sample


def test_metainfo():
    sample = PackSegInputs()(results())["data_samples"]
    assert sample.metainfo["name"] == "a"
    assert sample.metainfo["fold"] is None
    assert sample.metainfo["ori_shape"] == (6, 8)
    assert "rng" not in sample.metainfo
    assert "error_type" not in sample.metainfo
    simulated = PackSegInputs()(results(mask_error={"error_type": "shift"}, coarse_origin="simulated"))["data_samples"]
    assert simulated.metainfo["error_type"] == "shift"
    assert simulated.metainfo["coarse_origin"] == "simulated"


def test_the_original_mask_on_demand():
    sample = PackSegInputs(keep_original=True)(results())["data_samples"]
    assert torch.equal(sample.gt_original.data, torch.eye(6, 8, dtype=torch.uint8)[None])


def test_a_sample_without_ground_truth():
    blind = results()
    del blind["gt"], blind["gt_seg_map"]
    assert "gt_sem_seg" not in PackSegInputs()(blind)["data_samples"]
