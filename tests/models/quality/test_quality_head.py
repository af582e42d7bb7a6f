"""The contract of every registered quality head, and that it can learn."""

import pytest
import torch

from ultraref.errors import UserError
from ultraref.models.quality import CaseEvidence, QualityHead
from ultraref.registry import QUALITY_HEADS

COUNT, SIZE, SIDE, CHANNELS = 5, 32, 8, 16
# What a head can't be built without, at these sizes.
ARGUMENTS = {"QualityHead": dict(feature_channels=CHANNELS, embed_channels=4)}


def names():
    QUALITY_HEADS.import_from_location()
    return sorted(QUALITY_HEADS.module_dict)


def evidence(dtype=torch.float32, rows=slice(None), **changes):
    """A disc, noise, a full, an empty and a half-sure mask, with SAM's the other way round."""
    generator = torch.Generator().manual_seed(0)
    p = torch.zeros(COUNT, 1, SIZE, SIZE, dtype=torch.float64)
    p[0, 0, 8:20, 6:22] = 0.9
    p[1] = torch.rand(1, SIZE, SIZE, generator=generator, dtype=torch.float64)
    p[2], p[4] = 1, 0.5
    parts = dict(
        coarse_prob=p,
        sam_prob=p.flip(0),
        features=torch.randn(COUNT, CHANNELS, SIDE, SIDE, generator=generator, dtype=torch.float64),
        predicted_iou=torch.linspace(0, 1, COUNT, dtype=torch.float64),
        stability=torch.linspace(1, 0, COUNT, dtype=torch.float64),
    )
    return CaseEvidence(**{name: value.to(dtype)[rows] for name, value in (parts | changes).items()})


def build(name):
    torch.manual_seed(0)
    return QUALITY_HEADS.build({"type": name, **ARGUMENTS.get(name, {})}).eval()


@pytest.mark.parametrize("name", names())
def test_contract(name):
    head = build(name)
    predicted = head(evidence())
    assert predicted.shape == (COUNT, 3)
    assert predicted.dtype == torch.float32
    assert 0 <= predicted.min() <= predicted.max() <= 1
    for row in range(COUNT):
        torch.testing.assert_close(head(evidence(rows=slice(row, row + 1))), predicted[row : row + 1])
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head(evidence()), predicted)


@pytest.mark.parametrize("name", names())
def test_gradients_reach_the_head_alone(name):
    parts = {
        field: getattr(evidence(), field).clone().requires_grad_()
        for field in CaseEvidence.__dataclass_fields__
        if field != "content"
    }
    head = build(name)
    head(CaseEvidence(**parts)).sum().backward()
    assert all(value.grad is None for value in parts.values())
    assert all(parameter.grad.isfinite().all() for parameter in head.parameters())


def test_gradient_is_the_derivative():
    head = QualityHead(CHANNELS, embed_channels=2, hidden_channels=4).double().eval()
    case = evidence(torch.float64)
    torch.nn.init.normal_(head.layers[-1].weight)
    weight = head.layers[4].weight

    def with_weight(value):
        changed = {"layers.4.weight": value}
        return torch.func.functional_call(head, changed, (case,))

    assert torch.autograd.gradcheck(with_weight, weight.detach().clone().requires_grad_())


def test_begins_with_the_untrained_scores():
    """The discs agree in half of their pixels: IoU 1/3, expected Dice (2 * 48 + 1) / (96 + 96 + 1) either way."""
    p, q = (torch.zeros(1, 1, SIZE, SIZE) for _ in range(2))
    p[..., :12, :8], q[..., 6:18, :8] = 1, 1
    features, one = torch.zeros(1, CHANNELS, SIDE, SIDE), torch.ones(1)
    found = QualityHead(CHANNELS).eval()(CaseEvidence(p, q, features, one, one))[0]
    logits = torch.tensor([1 / 3, 97 / 193, 97 / 193]).logit()
    torch.testing.assert_close(found, (logits.mean() * torch.tensor([1.0, 1.0, -1.0])).sigmoid())


def test_learns_what_it_is_told():
    head = QualityHead(CHANNELS, embed_channels=16, dropout=0.0)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2)
    target = torch.tensor([[0.9, 0.2, 0.7], [0.1, 0.3, 0.1], [0.5, 0.8, 0.4], [0.3, 0.1, 0.9], [0.7, 0.6, 0.2]])
    for _ in range(150):
        loss = (head(evidence()) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(head.eval()(evidence()).detach(), target, atol=0.05, rtol=0)


def test_without_the_embedding_any_will_do():
    head = QualityHead(embed_channels=0).eval()
    assert torch.equal(head(evidence()), head(evidence(features=torch.zeros(COUNT, 3, SIDE, SIDE))))


def test_wrong_arguments_are_named():
    with pytest.raises(UserError, match="feature_channels=16"):
        QualityHead(embed_channels=4)(evidence())
    for options in (dict(box_scales=(0.0,)), dict(dropout=1.0), dict(hidden_channels=0)):
        with pytest.raises(UserError, match=next(iter(options))):
            QualityHead(**options)
