"""The order in which images are drawn: a function of the seed and the epoch alone."""

import math
from collections.abc import Iterator, Sized

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from ultraref.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class EpochSampler(Sampler):
    """Yields (epoch, index), so that a data set can draw its augmentations from (seed, epoch, index).

    The order of epoch e is the permutation of a generator seeded with `SeedSequence([seed, e], spawn_key=(0,))`. The spawn key keeps
    it apart from the images' own numbers: without one, [seed, e] and image 0's [seed, e, 0] are the same stream. Rank r of w takes its items r,
    r + w, r + 2w, ... The order is continued from its start until it divides by w, so that all ranks do equally many
    steps; MMEngine's evaluator drops the surplus. The sampler lives in the main process, hence workers may be
    persistent.

    Args:
        dataset: what is sampled; its length is read.
        shuffle: False yields (0, index) in the order of the data set whatever the epoch: for validation and test.
        seed: the run's seed, filled in by the runner. None: one is drawn, the same on all ranks.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None):
        self.dataset = dataset
        self.shuffle = shuffle
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.start = 0
        self.rank, self.world_size = get_dist_info()

    def __iter__(self) -> Iterator[tuple[int, int]]:
        size, epoch = len(self.dataset), self.epoch if self.shuffle else 0
        order = order_of_epoch(self.seed, epoch).permutation(size) if self.shuffle else np.arange(size)
        order = np.resize(order, len(self) * self.world_size)
        return ((epoch, int(index)) for index in order[self.rank :: self.world_size][self.start :])

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch whose order the next iteration yields."""
        self.epoch = epoch

    def set_start(self, start: int) -> None:
        """Leaves out so many items of the next iterations, each rank of its own: a run that was stopped within an epoch had them."""
        self.start = start


def order_of_epoch(seed: int, epoch: int) -> np.random.Generator:
    """Returns the generator that an epoch's order is drawn from."""
    return np.random.default_rng(np.random.SeedSequence([seed, epoch], spawn_key=(0,)))
