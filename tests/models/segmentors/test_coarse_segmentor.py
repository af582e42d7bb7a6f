"""Phase 1's model: one loss, and the foreground probability as prediction."""

import torch
from mmengine.registry import init_default_scope

from ultraref.registry import MODELS
from ultraref.structures import SegDataSample
from ultraref.testing.tiny_models import tiny_network


def build():
    init_default_scope("ultraref")
    torch.manual_seed(0)
    preprocessor, loss = dict(type="SegDataPreprocessor"), dict(type="CEDiceLoss")
    return MODELS.build(dict(type="CoarseSegmentor", network=tiny_network(), loss=loss, data_preprocessor=preprocessor))


def test_prediction_is_the_softmax_of_the_logits():
    model = build().eval()
    image = torch.rand(2, 1, 32, 32)
    samples = [SegDataSample(metainfo=dict(name=str(i))) for i in range(2)]
    with torch.no_grad():
        logits = model(dict(coarse_image=image))
        filled = model(dict(coarse_image=image), samples, mode="predict")
    expected = torch.exp(logits[:, 1]) / torch.exp(logits).sum(1)
    torch.testing.assert_close(torch.stack([sample.coarse.data[0] for sample in filled]), expected)
    assert "refined" not in filled[0]


def test_state_dict_holds_the_network_once():
    keys = build().state_dict()
    assert keys
    assert all(key.startswith("network.") for key in keys)


def test_loss_trains_the_network():
    model = build().train()
    losses = model(dict(coarse_image=torch.rand(2, 1, 32, 32), gt=torch.ones(2, 1, 32, 32)), mode="loss")
    losses["loss_coarse"].backward()
    assert model.network.head.weight.grad.abs().max() > 0
