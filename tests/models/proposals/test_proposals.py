"""The contract of every registered proposal, and boxes by hand."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.errors import UserError
from ultraref.models.proposals import SecondModeProposal, ThresholdProposal
from ultraref.models.sam import ImageEmbedding
from ultraref.registry import PROPOSALS
from ultraref.testing.tiny_models import tiny_sam2rad

SIZE = 64
# What can't be built from its type alone.
OPTIONS = {"SAM2RadProposal": {part: tiny_sam2rad(SIZE)[part] for part in ("sam", "prompt_predictor")}}
# What reads the image suspects something in an empty mask as well.
READ_THE_IMAGE = {"SAM2RadProposal"}


def frame(*squares):
    """p (1, 1, SIZE, SIZE) of squares (top, left, bottom, right, value); 0 elsewhere."""
    prob = torch.zeros(1, 1, SIZE, SIZE)
    for top, left, bottom, right, value in squares:
        prob[..., top:bottom, left:right] = value
    return prob


def masks():
    noise = torch.rand(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    two = frame((4, 4, 14, 14, 0.9), (24, 20, 34, 36, 0.3))
    return torch.cat([two, noise, frame(), frame((0, 0, SIZE, SIZE, 1.0)), frame((0, 0, SIZE, SIZE, 0.5))])


def embed(images):
    features = torch.randn(images, 32, SIZE // 16, SIZE // 16, generator=torch.Generator().manual_seed(1))
    return ImageEmbedding(features)


def names():
    PROPOSALS.import_from_location()
    return sorted(PROPOSALS.module_dict)


@pytest.mark.parametrize("name", names())
def test_contract(name):
    init_default_scope("ultraref")
    torch.manual_seed(0)
    proposal, prob = PROPOSALS.build({"type": name, **OPTIONS.get(name, {})}), masks().requires_grad_()
    embedding = embed(len(prob))
    found = proposal(prob, embedding)
    assert len(found.rows) > 0
    assert found.boxes.shape == (len(found.rows), 4)
    assert found.boxes.dtype == torch.float32
    assert not found.boxes.requires_grad
    assert 0 <= found.boxes.min() <= found.boxes.max() <= SIZE - 1
    assert (found.boxes[:, 2:] >= found.boxes[:, :2]).all()
    for image in range(len(prob)):
        alone = proposal(prob[image : image + 1], embedding[torch.tensor([image])])
        # Equal but for the order of sums.
        torch.testing.assert_close(alone.boxes, found.boxes[found.rows == image])
    # Nothing is suspected in an empty mask.
    assert name in READ_THE_IMAGE or (found.rows != 2).all()


def test_thresholds_give_the_heaviest_component_of_each():
    # Above 0.25 both are there, and the fainter one weighs more: 10 x 16 of 0.7 against 8 x 8 of 0.9.
    prob = frame((4, 4, 12, 12, 0.9), (24, 20, 34, 36, 0.7))
    found = ThresholdProposal(thresholds=(0.25, 0.75), margin=0.0)(prob, embed(1))
    assert found.boxes.tolist() == [[20, 24, 35, 33], [4, 4, 11, 11]]
    assert found.rows.tolist() == [0, 0]
    grown = ThresholdProposal(thresholds=(0.75,), margin=0.25)(prob, embed(1))
    assert grown.boxes.tolist() == [[2, 2, 13, 13]]


def test_the_second_mode_lies_apart_from_the_first():
    weak = (24, 20, 34, 36, 0.3)
    proposal = SecondModeProposal(threshold=0.15, gap=0.05, min_area=0.01, margin=0.0)
    assert proposal(frame((4, 4, 14, 14, 0.9), weak), embed(1)).boxes.tolist() == [[20, 24, 35, 33]]
    # The rim of the first lesion, 2 px, is nearer than the gap; a speck of 9 px is below the least area of 16.
    assert len(proposal(frame((2, 2, 16, 16, 0.3), (4, 4, 14, 14, 0.9)), embed(1)).rows) == 0
    assert len(proposal(frame((4, 4, 14, 14, 0.9), (30, 30, 33, 33, 0.3)), embed(1)).rows) == 0
    # Where nothing is drawn, the suspicion itself.
    assert len(proposal(frame(weak), embed(1)).rows) == 1


def test_wrong_arguments_are_named():
    with pytest.raises(UserError, match=r"thresholds=\(1\.0,\)"):
        ThresholdProposal(thresholds=(1.0,))
    with pytest.raises(UserError, match=r"gap=0\.7"):
        SecondModeProposal(gap=0.7)
