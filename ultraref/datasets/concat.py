"""Several converted sets as one."""

from bisect import bisect_right
from itertools import accumulate

from torch.utils.data import Dataset

from ultraref.registry import DATASETS


@DATASETS.register_module()
class ConcatLesionDataset(Dataset):
    """The samples of several sets, one set after the other, indexed by (epoch, index) like each of them.

    Args:
        datasets: data sets or their configs.

    Raises:
        ValueError: there is no set, or stored predictions of the sets differ in size.
    """

    def __init__(self, datasets: list):
        self.datasets = [DATASETS.build(dataset) if isinstance(dataset, dict) else dataset for dataset in datasets]
        if not self.datasets:
            raise ValueError("ConcatLesionDataset: no data set was given")
        sizes = {str(d.data_root): d.coarse_size for d in self.datasets if d.coarse_size is not None}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"stored predictions of the sets differ in size: {sizes}; predict all at one coarse size")
        self._ends = list(accumulate(len(dataset) for dataset in self.datasets))
        for dataset, end in zip(self.datasets, self._ends):
            dataset.first_index = end - len(dataset)

    @property
    def metainfo(self) -> dict:
        """What each set says of itself."""
        return {"classes": self.datasets[0].metainfo["classes"], "datasets": [d.metainfo for d in self.datasets]}

    @property
    def names(self) -> list[str]:
        """Names of the samples in order; those of different sets may be equal."""
        return [name for dataset in self.datasets for name in dataset.names]

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
        which = bisect_right(self._ends, index)
        dataset = self.datasets[which]
        return dataset[epoch, index - dataset.first_index]
