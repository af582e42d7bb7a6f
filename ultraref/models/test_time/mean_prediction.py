"""One prediction of several of one image."""

from collections.abc import Sequence

import torch

from ultraref.models.quality import mean_quality
from ultraref.models.test_time.consistency import mean_pairwise_dice
from ultraref.structures import SegDataSample

AVERAGED = ("coarse", "sam", "gate", "refined")


def mean_prediction(predictions: Sequence[SegDataSample]) -> SegDataSample:
    """Averages what was said of one image, pixel by pixel.

    Coarse, SAM's and the refined probability and the gate are averaged each by itself, in the image's frame. So the mean refined
    probability is that of the refined ones, and not the mean p and q joined by the mean gate.

    Args:
        predictions: samples with (1, H, W) fields of one size, and the same fields in all.

    Returns:
        The first sample, with the means; where there are several, `consistency` says how far they agree (`mean_pairwise_dice`); `opinion`, `predicted_iou` and `predicted_dice` are means over those that SAM was asked for, and `coarse_empty` whether
        all coarse masks are empty. The prompts stay those of the first.
    """
    first = predictions[0]
    if len(predictions) > 1:
        masks = torch.stack([sample.get(sample.final).data[0] > 0.5 for sample in predictions])
        first.set_metainfo(dict(consistency=mean_pairwise_dice(masks)))
    for name in AVERAGED:
        if name in first:
            first.set_pixels(name, torch.stack([sample.get(name).data for sample in predictions]).mean(dim=0))
    metainfo = [sample.metainfo for sample in predictions]
    if "predicted_iou" in first.metainfo:
        values = [meta["predicted_iou"] for meta in metainfo if meta["predicted_iou"] is not None]
        first.set_metainfo(dict(predicted_iou=sum(values) / len(values) if values else None))
    if "opinion" in first.metainfo:
        first.set_metainfo(dict(opinion=sum(meta["opinion"] for meta in metainfo) / len(metainfo)))
    if "predicted_dice" in first.metainfo:
        first.set_metainfo(mean_quality(metainfo))
    if "coarse_empty" in first.metainfo:
        first.set_metainfo(dict(coarse_empty=all(meta["coarse_empty"] for meta in metainfo)))
    return first
