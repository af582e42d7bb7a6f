"""SAM's embedding beside an encoder's features: where it lies, what trains, and that without it nothing changes."""

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from ultraref.errors import UserError
from ultraref.models.coarse.encoders.base import BaseEncoder
from ultraref.models.coarse.encoders.sam_feature_fusion import SAMFeatureFusion
from ultraref.models.sam import ImageEmbedding
from ultraref.registry import MODELS
from ultraref.testing.tiny_models import tiny_refinement, tiny_sam


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")
    torch.manual_seed(0)


@MODELS.register_module(force=True)
class Halving(BaseEncoder):
    """Maps at 1/2, 1/4 and 1/8, averages of the image."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.in_channels, self.channels, self.reductions = in_channels, (1, 1, 1), (2, 4, 8)

    def forward(self, image):
        return [nn.functional.avg_pool2d(image, reduction) for reduction in self.reductions]


def network(**options):
    encoder = dict(type="SAMFeatureFusion", encoder=dict(type="Halving"), sam=tiny_sam(64), channels=4, **options)
    decoder = dict(type="CascadedUpsampler", channels=(8, 8, 8), head_channels=8)
    return dict(type="EncoderDecoder", image_size=32, encoder=encoder, decoder=decoder)


def batch(content=None):
    image = torch.rand(2, 3, 64, 64) * 255
    inputs = dict(coarse_image=torch.rand(2, 1, 32, 32), sam_image=image, gt=torch.ones(2, 1, 32, 32))
    return inputs if content is None else dict(inputs, content_size=torch.tensor(content))


def segmentor(**options):
    config = dict(
        type="CoarseSegmentor",
        network=network(**options),
        loss=dict(type="CEDiceLoss"),
        data_preprocessor=dict(type="SegDataPreprocessor"),
    )
    return MODELS.build(config)


def test_maps_get_the_embedding_at_their_size():
    encoder = SAMFeatureFusion(dict(type="Halving"), tiny_sam(64), channels=4)
    assert (encoder.channels, encoder.reductions, encoder.sam_size) == ((1, 5, 5), (2, 4, 8), 64)
    inputs = batch()
    maps = encoder(inputs["coarse_image"], inputs)
    assert [tuple(level.shape) for level in maps] == [(2, 1, 16, 16), (2, 5, 8, 8), (2, 5, 4, 4)]
    for level, plain in zip(maps, encoder.encoder(inputs["coarse_image"])):
        assert torch.equal(level[:, :1], plain)
    assert SAMFeatureFusion(dict(type="Halving"), tiny_sam(64), 4, reductions=(8,)).channels == (1, 1, 5)


def test_the_embedding_lies_over_the_image_and_not_over_the_padding():
    encoder = SAMFeatureFusion(dict(type="Halving"), tiny_sam(64), channels=1)
    encoder.reduce = nn.Identity()
    # A ramp along x over SAM's frame of 4 cells; the image fills its left half.
    ramp = torch.arange(4.0).expand(1, 1, 4, 4)
    encoder.sam.encode = lambda image: ImageEmbedding(ramp.expand(len(image), 1, 4, 4))
    inputs = batch(content=[(64, 32), (64, 64)])
    deepest = encoder(inputs["coarse_image"], inputs)[-1][:, 1]
    # Cell centres at (0.5, 1.5, 2.5, 3.5) / 2 cells, the first one on the frame's edge, beyond which the ramp goes on.
    torch.testing.assert_close(deepest[0, 0], torch.tensor([0.0, 0.25, 0.75, 1.25]))
    torch.testing.assert_close(deepest[1, 0], torch.arange(4.0))


def test_sam_is_frozen_and_the_rest_trains():
    model = segmentor().train()
    assert model.sizes == {"coarse": 32, "sam": 64}
    sum(model(batch(), mode="loss").values()).backward()
    encoder = model.network.encoder
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in encoder.sam.parameters())
    assert not encoder.sam.image_encoder.training
    assert all(parameter.grad.abs().max() > 0 for parameter in encoder.reduce.parameters())


def test_cached_embeddings_give_the_same(tmp_path):
    plain, cached = segmentor().eval(), segmentor(embedding_cache=str(tmp_path)).eval()
    cached.load_state_dict(plain.state_dict())
    inputs = dict(batch(content=[(64, 40), (30, 64)]), image_hash=["a", "b"])
    with torch.no_grad():
        expected = plain(inputs)
        for _ in range(2):
            assert torch.equal(cached(inputs), expected)
    assert len(list(tmp_path.rglob("*.npy"))) == 2


def test_it_is_a_coarse_network_of_phase_3():
    model = MODELS.build(tiny_refinement(coarse_source=dict(type="FromNetwork", network=network()))).eval()
    inputs = batch()
    output = model.refine(inputs)
    assert torch.equal(output.coarse.logits, model.coarse_source.network(inputs["coarse_image"], inputs))
    with pytest.raises(UserError, match="reads SAM's image at 64 px, the refiner at 128 px"):
        MODELS.build(tiny_refinement(sam_size=128, coarse_source=dict(type="FromNetwork", network=network())))


def test_mistakes_are_named():
    encoder = SAMFeatureFusion(dict(type="Halving"), tiny_sam(64))
    with pytest.raises(UserError, match="carry no sam_image"):
        encoder(torch.zeros(1, 1, 32, 32), {})
    with pytest.raises(UserError, match=r"reductions is \(16,\)"):
        SAMFeatureFusion(dict(type="Halving"), tiny_sam(64), reductions=(16,))
    with pytest.raises(UserError, match="channels=0"):
        SAMFeatureFusion(dict(type="Halving"), tiny_sam(64), channels=0)
