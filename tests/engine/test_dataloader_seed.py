"""The run's seed and the model's sizes reach the data sets, and an empty loader is refused."""

from types import SimpleNamespace

import pytest
from torch import nn

from ultraref.engine import UltraRunner

KEEP = [lambda results: results]


def loader(phantom_root, seed, sizes=None, datasets=None, **options):
    model = nn.Module()
    model.sizes = sizes
    if datasets is None:
        dataset = dict(type="ultraref.LesionDataset", data_root=str(phantom_root))
    else:
        parts = [dict(data_root=str(phantom_root)) for _ in range(datasets)]
        dataset = dict(type="ultraref.ConcatLesionDataset", datasets=parts)
    dataset.update(split="train", fold=0, pipeline=KEEP)
    config = dict(num_workers=0, sampler=dict(type="ultraref.EpochSampler"), dataset=dataset, **options)
    runner = SimpleNamespace(_bare_model=lambda: model)
    return UltraRunner.build_dataloader(
        runner, dict(batch_size=1, **config) if "batch_size" not in options else config, seed=seed
    )


@pytest.mark.parametrize("datasets", [None, 2])
def test_seed_changes_the_samples_and_nothing_else_does(phantom_root, datasets):
    draws = [loader(phantom_root, seed, datasets=datasets).dataset[3, 2]["rng"].random() for seed in (0, 1, 1)]
    assert draws[0] != draws[1] == draws[2]


@pytest.mark.parametrize("datasets", [None, 2])
def test_sizes_of_the_model_reach_the_samples(phantom_root, datasets):
    sizes = dict(coarse=32, sam=64)
    assert loader(phantom_root, 0, sizes, datasets).dataset[0, 2]["sizes"] == sizes


def test_a_loader_without_a_batch_is_refused(phantom_root):
    with pytest.raises(ValueError, match=r"has no batch; lower its batch_size"):
        loader(phantom_root, 0, batch_size=1000, drop_last=True)
