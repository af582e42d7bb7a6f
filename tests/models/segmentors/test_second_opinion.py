"""A second coarse network: what it says of a case, that it never trains, and that without it nothing changes."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.errors import UserError
from ultraref.registry import MODELS
from ultraref.structures import SegDataSample
from ultraref.testing.tiny_models import tiny_network, tiny_refinement

SECOND = dict(type="FromNetwork", network=tiny_network(32))
BY_OPINION = dict(type="AgreementGate", score="opinion", tau=0.5, width=0.1)


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")


def build(**options):
    torch.manual_seed(0)
    return MODELS.build(tiny_refinement(**options))


def inputs(size: int = 64) -> dict:
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(2, 3, size, size, generator=generator) * 255
    return dict(
        sam_image=image,
        coarse_image=torch.rand(2, 1, 32, 32, generator=generator),
        gt=(torch.rand(2, 1, size, size, generator=generator) > 0.5).float(),
    )


class Says(torch.nn.Module):
    """A coarse source that says the same of every image."""

    def __init__(self, prob):
        super().__init__()
        self.prob = prob

    def forward(self, inputs):
        return type("Output", (), dict(prob=self.prob))


def test_the_gate_opens_by_the_overlap_of_sams_mask_with_the_second():
    model = build(opinion=SECOND, gate=BY_OPINION).eval()
    with torch.no_grad():
        q = model.refine(inputs()).sam.prob
        # SAM's own mask at the coarse frame's size; and nothing at all.
        same = torch.nn.functional.interpolate((q > 0.5).float(), (32, 32), mode="area")
        same[1] = 0.0
        model.opinion = Says(same)
        output = model.refine(inputs())
    second = output.opinion > 0.5
    iou = (second & (q > 0.5)).flatten(1).sum(1) / (second | (q > 0.5)).flatten(1).sum(1)
    torch.testing.assert_close(output.gate[:, 0, 0, 0], torch.sigmoid((iou - 0.5) / 0.1))
    assert iou[0] > 0.8
    assert iou[1] == 0.0


def test_the_sample_says_it():
    model = build(opinion=SECOND).eval()
    samples = [SegDataSample(metainfo=dict(name=str(i), ori_shape=(64, 64))) for i in range(2)]
    with torch.no_grad():
        output = model.refine(inputs())
        filled = model(inputs(), samples, mode="predict")
    first, second = output.opinion > 0.5, output.sam.prob > 0.5
    either = (first | second).flatten(1).sum(1)
    expected = torch.where(either > 0, (first & second).flatten(1).sum(1) / either.clamp(min=1), 1.0)
    assert [sample.metainfo["opinion"] for sample in filled] == pytest.approx(expected.tolist())


def test_without_a_gate_that_reads_it_nothing_changes():
    losses = [{}, {}]
    for found, options in zip(losses, (dict(), dict(opinion=SECOND))):
        model = build(**options).train()
        found["drawn"] = torch.rand(())
        loss = sum(model(inputs(), mode="loss").values())
        loss.backward()
        found["loss"] = loss.detach()
        found["gradients"] = {
            name: p.grad for name, p in model.named_parameters() if p.grad is not None and "opinion" not in name
        }
    assert torch.equal(losses[0]["drawn"], losses[1]["drawn"])
    assert torch.equal(losses[0]["loss"], losses[1]["loss"])
    assert losses[0]["gradients"].keys() == losses[1]["gradients"].keys()
    for name, gradient in losses[0]["gradients"].items():
        assert torch.equal(gradient, losses[1]["gradients"][name])


def test_it_never_trains():
    model = build(opinion=SECOND, gate=BY_OPINION).train()
    assert not any(part.training for part in model.opinion.modules())
    before = {name: value.clone() for name, value in model.opinion.state_dict().items()}
    sum(model(inputs(), mode="loss").values()).backward()
    assert all(p.grad is None and not p.requires_grad for p in model.opinion.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.opinion.state_dict().items())


def test_wrong_opinions_are_named():
    with pytest.raises(UserError, match="takes images of 48 px, the coarse source has 32 px"):
        build(opinion=dict(SECOND, network=tiny_network(48)))
    with pytest.raises(UserError, match="FromSample hands on the coarse mask that is refined"):
        build(opinion=dict(type="FromSample", size=32))
    with pytest.raises(UserError, match="the score 'opinion', which a second coarse network gives"):
        build(gate=BY_OPINION).eval().refine(inputs())
