"""The mean of known models, and what it is refused for."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref import provenance
from ultraref.errors import UserError
from ultraref.models.test_time import CheckpointEnsemble, mean_prediction
from ultraref.registry import MODELS
from ultraref.structures import SegDataSample
from ultraref.testing.tiny_models import tiny_network, tiny_refinement

CONFIG = dict(
    type="CoarseSegmentor",
    network=tiny_network(32),
    loss=dict(type="CEDiceLoss"),
    data_preprocessor=dict(type="SegDataPreprocessor"),
)


def save(path, seed: int, config=CONFIG) -> str:
    init_default_scope("ultraref")
    torch.manual_seed(seed)
    meta = dict(trained_on=[f"image {seed}"], profiles={})
    torch.save(dict(state_dict=MODELS.build(config).state_dict(), meta=meta), path)
    return str(path)


def test_the_mean_of_two_models(tmp_path):
    paths = [save(tmp_path / f"{seed}.pth", seed) for seed in (0, 1)]
    inputs = dict(coarse_image=torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(2)))
    alone = [CheckpointEnsemble(CONFIG, [path]).eval()(inputs, [SegDataSample(), SegDataSample()]) for path in paths]
    ensemble = CheckpointEnsemble(CONFIG, paths, tta_model=None).eval()
    found = ensemble(inputs, [SegDataSample(), SegDataSample()])
    for number, sample in enumerate(found):
        first, second = (samples[number].coarse.data for samples in alone)
        assert not torch.allclose(first, second)
        torch.testing.assert_close(sample.coarse.data, (first + second) / 2)
        assert torch.equal(sample.members[0].coarse.data, first)
        assert torch.equal(sample.members[1].coarse.data, second)
    assert "members" not in alone[0][0]
    assert ensemble.sizes == {"coarse": 32}
    # A test refuses its images by this.
    assert frozenset().union(*provenance.collect(ensemble).values()) == {"image 0", "image 1"}


def test_each_map_has_its_own_mean():
    """The mean of the refined ones, 0.5, is not the mean p and q joined by the mean gate, lerp(0.5, 0.5, 0.5)... of 0.2 and 0.9."""
    samples = []
    for coarse, sam, gate in ((0.0, 0.2, 1.0), (0.9, 0.1, 0.0)):
        sample = SegDataSample(metainfo=dict(predicted_iou=sam, coarse_empty=coarse == 0))
        refined = coarse + gate * (sam - coarse)
        for name, value in dict(coarse=coarse, sam=sam, gate=gate, refined=refined).items():
            sample.set_pixels(name, torch.full((1, 2, 2), value))
        samples.append(sample)
    mean = mean_prediction(samples)
    values = [mean.get(name).data.unique().item() for name in ("coarse", "sam", "gate", "refined")]
    assert values == pytest.approx([0.45, 0.15, 0.5, (0.2 + 0.9) / 2])
    assert mean.metainfo["predicted_iou"] == pytest.approx(0.15)
    assert mean.metainfo["coarse_empty"] is False


def test_models_with_stored_coarse_masks_are_not_joined(tmp_path):
    config = tiny_refinement(coarse_source=dict(type="FromSample", size=32), losses={}, loss_weights={})
    path = save(tmp_path / "a.pth", 0, config)
    assert CheckpointEnsemble(config, [path], dict(type="FlipTTAModel")).sizes == {"coarse": 32, "sam": 64}
    with pytest.raises(UserError, match="of one fold"):
        CheckpointEnsemble(config, [path, path])
    with pytest.raises(UserError, match="list of paths"):
        CheckpointEnsemble(config, path)
