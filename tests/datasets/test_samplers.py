"""The order of images is a function of seed and epoch, whole and fair over ranks."""

import numpy as np
import pytest
from torch.utils.data import DataLoader, Dataset

from ultraref.datasets.samplers import EpochSampler, order_of_epoch


class Keys(Dataset):
    """Gives back the key that it is asked for."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, key):
        return key


def of_rank(rank, world_size, size=10, **options):
    sampler = EpochSampler(Keys(size), seed=5, **options)
    sampler.rank, sampler.world_size = rank, world_size
    return sampler


def test_an_epoch_is_the_stated_permutation():
    sampler = EpochSampler(Keys(10), seed=5)
    sampler.set_epoch(3)
    stated = np.random.default_rng(np.random.SeedSequence([5, 3], spawn_key=(0,)))
    assert list(sampler) == [(3, i) for i in stated.permutation(10)]
    assert list(sampler) == list(sampler)


def test_the_order_is_not_drawn_from_an_images_own_numbers():
    """NumPy fills seeds up with zeros, so [seed, epoch] and [seed, epoch, 0] are one stream."""
    assert np.random.default_rng([5, 3]).random() == np.random.default_rng([5, 3, 0]).random()
    assert order_of_epoch(5, 3).random() != np.random.default_rng([5, 3, 0]).random()


def test_epochs_and_seeds_differ():
    orders = []
    for seed, epoch in ((5, 0), (5, 1), (6, 0)):
        sampler = EpochSampler(Keys(50), seed=seed)
        sampler.set_epoch(epoch)
        orders.append([index for _, index in sampler])
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_validation_is_in_order_and_always_epoch_zero():
    sampler = EpochSampler(Keys(4), shuffle=False)
    sampler.set_epoch(7)
    assert list(sampler) == [(0, 0), (0, 1), (0, 2), (0, 3)]


@pytest.mark.parametrize(("size", "world_size"), [(10, 2), (10, 3), (2, 5), (1, 4)])
def test_ranks_do_equally_many_and_miss_none(size, world_size):
    parts = [list(of_rank(rank, world_size, size)) for rank in range(world_size)]
    assert {len(part) for part in parts} == {len(of_rank(0, world_size, size))} == {-(-size // world_size)}
    assert {index for part in parts for _, index in part} == set(range(size))


def test_interleaved_ranks_give_back_the_order_of_one_process():
    """MMEngine's evaluator takes one result of each rank in turn and cuts off the surplus."""
    parts = [list(of_rank(rank, 3, shuffle=False)) for rank in range(3)]
    merged = [key for keys in zip(*parts) for key in keys]
    assert merged[:10] == list(of_rank(0, 1, shuffle=False))


def test_keys_reach_persistent_workers():
    sampler = EpochSampler(Keys(6), seed=5)
    loader = DataLoader(
        Keys(6), batch_size=3, sampler=sampler, num_workers=1, persistent_workers=True, collate_fn=lambda keys: keys
    )
    for epoch in range(2):
        sampler.set_epoch(epoch)
        assert [key for batch in loader for key in batch] == list(sampler)


def test_indices_are_plain_integers():
    assert all(type(index) is int for _, index in EpochSampler(Keys(3), seed=0))


def test_seed_is_drawn_where_none_is_given():
    assert isinstance(EpochSampler(Keys(3)).seed, int)
