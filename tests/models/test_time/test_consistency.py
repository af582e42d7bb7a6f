import pytest
import torch

from ultraref.models.test_time.consistency import mean_pairwise_dice
from ultraref.models.test_time.mean_prediction import mean_prediction
from ultraref.structures import SegDataSample


def test_by_hand():
    """4, 4 and 2 of 8 pixels: shared 2, 2 and 0, hence Dice 4/8, 4/6 and 0."""
    masks = torch.tensor(
        [[1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0]], dtype=torch.bool
    )
    assert mean_pairwise_dice(masks.view(3, 2, 4)) == pytest.approx((4 / 8 + 4 / 6 + 0) / 3)
    assert mean_pairwise_dice(torch.zeros(2, 2, 4, dtype=torch.bool)) == 1


def sample(value, **fields):
    made = SegDataSample(metainfo=dict(name="x"))
    for name, field in dict(fields, coarse=value).items():
        made.set_pixels(name, torch.full((1, 2, 2), field))
    return made


def test_the_mean_says_it_of_what_the_models_answer():
    assert mean_prediction([sample(0.9), sample(0.1)]).metainfo["consistency"] == 0
    assert mean_prediction([sample(0.9, refined=0.9), sample(0.1, refined=0.8)]).metainfo["consistency"] == 1
    assert "consistency" not in mean_prediction([sample(0.9)]).metainfo
