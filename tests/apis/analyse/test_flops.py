"""Costs against sums that were made by hand."""

import pytest
import torch
from mmengine.config import Config
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ultraref.apis.analyse.flops import _cpu_attention, count_flops
from ultraref.registry import MODELS
from ultraref.testing.tiny_models import tiny_network, tiny_refinement, tiny_refiner


def test_attention_on_the_cpu_is_counted():
    """2 heads, 6 queries, 10 keys of depth 4, values of 4: 2 * 2 * 6 * 10 * (4 + 4)."""
    query, key = torch.rand(1, 2, 6, 4), torch.rand(1, 2, 10, 4)
    with torch.inference_mode(), FlopCounterMode(display=False, custom_mapping=_cpu_attention()) as counter:
        nn.functional.scaled_dot_product_attention(query, key, key)
    assert counter.get_total_flops() == 1920


@MODELS.register_module()
class OneConvolution(nn.Module):
    """(B, 1, 8, 8) -> (B, 2, 8, 8)."""

    image_size = 8

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, image):
        return self.layer(image)


def test_one_convolution():
    """2 x (3 x 3 weights + a bias) parameters; 8 x 8 pixels x 2 outputs x 9 products and additions."""
    network = dict(type="OneConvolution")
    loss, preprocessor = dict(type="CEDiceLoss"), dict(type="SegDataPreprocessor")
    model = dict(type="CoarseSegmentor", network=network, loss=loss, data_preprocessor=preprocessor)
    costs, sizes = count_flops(Config(dict(model=model)))
    assert sizes == {"coarse": 8}
    assert [(c.name, c.parameters, c.trainable, c.flops) for c in costs] == [
        ("network", 20, 20, 2304),
        ("all", 20, 20, 2304),
    ]


@pytest.mark.parametrize("source", ["FromNetwork", "FromSample"])
def test_parts_add_up(source):
    chosen = dict(type=source, network=tiny_network(32)) if source == "FromNetwork" else dict(type=source, size=32)
    costs, sizes = count_flops(Config(dict(model=tiny_refinement(coarse_source=chosen))))
    by_name = {cost.name: cost for cost in costs}
    assert sizes == {"coarse": 32, "sam": 64}
    assert (by_name["coarse_source"].flops > 0) == (source == "FromNetwork")
    for name in ("refiner.sam.image_encoder", "refiner.sam.mask_decoder"):
        assert by_name[name].flops > 0
    for key in ("parameters", "flops"):
        assert sum(getattr(cost, key) for cost in costs[:-1]) == getattr(by_name["all"], key)


def test_an_embedding_cache_saves_nothing_here(tmp_path):
    cached = tiny_refiner(roi=None, embedding_cache=str(tmp_path / "cache"))
    plain = tiny_refiner(roi=None)
    costs = [count_flops(Config(dict(model=tiny_refinement(refiner=refiner))))[0] for refiner in (cached, plain)]
    assert costs[0] == costs[1]
    assert not (tmp_path / "cache").exists()
