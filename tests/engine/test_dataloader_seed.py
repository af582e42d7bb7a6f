"""The run's seed reaches the data sets, and an empty loader is refused."""

import pytest

from ultraref.engine import UltraRunner

KEEP = [lambda results: results]


def loader(phantom_root, seed, **options):
    dataset = dict(type="ultraref.LesionDataset", data_root=str(phantom_root), split="train", fold=0, pipeline=KEEP)
    config = dict(batch_size=1, num_workers=0, sampler=dict(type="ultraref.EpochSampler"), dataset=dataset, **options)
    return UltraRunner.build_dataloader(config, seed=seed)


def test_seed_changes_the_samples_and_nothing_else_does(phantom_root):
    draws = [loader(phantom_root, seed).dataset[3, 2]["rng"].random() for seed in (0, 1, 1)]
    assert draws[0] != draws[1] == draws[2]


def test_a_loader_without_a_batch_is_refused(phantom_root):
    with pytest.raises(ValueError, match=r"has no batch; lower its batch_size"):
        UltraRunner.build_dataloader(
            dict(
                batch_size=1000,
                drop_last=True,
                sampler=dict(type="ultraref.EpochSampler"),
                dataset=dict(type="ultraref.LesionDataset", data_root=str(phantom_root), pipeline=KEEP),
            ),
            seed=0,
        )
