"""Several converted sets as one."""

import math
from bisect import bisect_right
from itertools import accumulate

from mmengine.logging import print_log
from torch.utils.data import Dataset

from ultraref.registry import DATASETS


@DATASETS.register_module()
class ConcatLesionDataset(Dataset):
    """The samples of several sets, one set after the other, indexed by (epoch, index) like each of them.

    Args:
        datasets: data sets or their configs.
        balance: give each set as many places in an epoch as the largest one has; the images of a smaller set come
            several times, with other augmentations each time. Otherwise every image comes once.

    Raises:
        ValueError: there is no set, or stored predictions of the sets differ in size.
    """

    def __init__(self, datasets: list, balance: bool = False):
        self.datasets = [DATASETS.build(dataset) if isinstance(dataset, dict) else dataset for dataset in datasets]
        if not self.datasets:
            raise ValueError("ConcatLesionDataset: no data set was given")
        sizes = {str(d.data_root): d.coarse_size for d in self.datasets if d.coarse_size is not None}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"stored predictions of the sets differ in size: {sizes}; predict all at one coarse size")
        lengths = [len(dataset) for dataset in self.datasets]
        places = [max(lengths)] * len(lengths) if balance else lengths
        self._ends = list(accumulate(places))
        # How often the images of the smallest set come at most.
        self._rounds = max(math.ceil(count / length) for count, length in zip(places, lengths))
        for dataset, end, count in zip(self.datasets, self._ends, places):
            dataset.first_index = end - count
        counts = ", ".join(
            f"{dataset.data_root} {length}" + (f" (in {count} places)" if count != length else "")
            for dataset, length, count in zip(self.datasets, lengths, places)
        )
        print_log(f"{sum(lengths)} images of {len(lengths)} sets: {counts}", logger="current")

    @property
    def metainfo(self) -> dict:
        """What each set says of itself."""
        return {"classes": self.datasets[0].metainfo["classes"], "datasets": [d.metainfo for d in self.datasets]}

    @property
    def names(self) -> list[str]:
        """Names of the samples in order; those of different sets may be equal."""
        located = (self._locate(index) for index in range(len(self)))
        return [dataset.names[item] for dataset, _, item in located]

    @property
    def image_hashes(self) -> dict[str, str]:
        """sha256 of each image's file, by "place of the set:name", as two sets may use one name."""
        return {
            f"{place}:{name}": sha256
            for place, dataset in enumerate(self.datasets)
            for name, sha256 in dataset.image_hashes.items()
        }

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, key: int | tuple[int, int]):
        epoch, index = key if isinstance(key, tuple) else (0, key)
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        dataset, turn, item = self._locate(index)
        # Each turn of a smaller set has random numbers of its own, as if it were an epoch.
        return dataset[epoch * self._rounds + turn, item]

    def _locate(self, index: int) -> tuple[Dataset, int, int]:
        """The set that a place belongs to, how often its images came before, and the image's index in the set."""
        dataset = self.datasets[bisect_right(self._ends, index)]
        return dataset, *divmod(index - dataset.first_index, len(dataset))
