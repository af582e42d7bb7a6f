"""Overlap metrics by hand, and against MONAI's confusion matrix."""

import pytest
import torch
from monai.metrics import get_confusion_matrix

from ultraref.evaluation.metrics import OverlapMeasure, overlap_metrics


def test_by_hand():
    prediction, target = torch.zeros(4, 4, dtype=torch.bool), torch.zeros(4, 4, dtype=torch.bool)
    prediction[:2] = True  # 8 pixels
    target[1:, :2] = True  # 6 pixels, 2 of them predicted
    assert overlap_metrics(prediction, target) == pytest.approx(
        dict(dice=4 / 14, iou=2 / 12, precision=2 / 8, recall=2 / 6, specificity=4 / 10, accuracy=(2 + 4) / 16)
    )


def test_against_monai():
    generator = torch.Generator().manual_seed(0)
    prediction = torch.rand(30, 20, generator=generator) > 0.7
    target = torch.rand(30, 20, generator=generator) > 0.4
    counts = get_confusion_matrix(prediction[None, None].float(), target[None, None].float())[0, 0]
    tp, fp, tn, fn = counts.double()
    expected = dict(
        dice=2 * tp / (2 * tp + fp + fn),
        iou=tp / (tp + fp + fn),
        precision=tp / (tp + fp),
        recall=tp / (tp + fn),
        specificity=tn / (tn + fp),
        accuracy=(tp + tn) / (tp + fp + tn + fn),
    )
    assert overlap_metrics(prediction, target) == pytest.approx({k: float(v) for k, v in expected.items()})


def test_empty_masks():
    """A predicted full image has no true negative, a missed one no false positive."""
    empty, full = torch.zeros(3, 3, dtype=torch.bool), torch.ones(3, 3, dtype=torch.bool)
    names = OverlapMeasure.per_image
    assert overlap_metrics(empty, empty) == dict.fromkeys(names, 1.0)
    assert overlap_metrics(empty, full) == dict.fromkeys(names, 0.0) | {"specificity": 1.0}
    assert overlap_metrics(full, empty) == dict.fromkeys(names, 0.0)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        overlap_metrics(torch.zeros(2, 2, dtype=torch.bool), torch.zeros(3, 2, dtype=torch.bool))
