"""Several sets as one."""

import inspect
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from mmengine.logging import print_log

from ultraref.datasets.base_lesion_dataset import BaseLesionDataset
from ultraref.errors import UserError
from ultraref.registry import DATASETS


@DATASETS.register_module()
class ConcatLesionDataset(BaseLesionDataset):
    """The samples of several sets, one set after the other, indexed by (epoch, index) like each of them.

    What the sets have in common is stated once: each argument but `datasets` and `balance` goes to every config in
    `datasets` that doesn't give it itself. A config without a `type` is a `LesionDataset`:

        dict(
            type="ConcatLesionDataset",
            datasets=[dict(data_root="data/busi"), dict(data_root="data/busbra", fold=None)],
            split="train",
            fold=0,
            pipeline=train_pipeline,
        )

    Args:
        datasets: data sets or their configs.
        balance: give each set as many places in an epoch as the largest one has; the images of a smaller set come
            several times, with other augmentations each time. Otherwise every image comes once.
        split, fold, pipeline, seed, sizes: see `BaseLesionDataset`; None leaves it to the sets.
        predictions, exclude, normals, missing: see `LesionDataset`; None likewise.

    Raises:
        ValueError: there is no set, two sets have one name, stored predictions of the sets differ in size, or a set doesn't take
            what is shared.
    """

    # What an item without a `type` is, by the argument that holds it; read by the check of configs as well.
    DEFAULT_ITEM_TYPES = {"datasets": "LesionDataset"}

    def __init__(
        self,
        datasets: Sequence[dict | BaseLesionDataset],
        balance: bool = False,
        split: str | None = None,
        fold: int | None = None,
        pipeline: Sequence[dict | Callable] | None = None,
        predictions: str | None = None,
        exclude: str | None = None,
        seed: int | None = None,
        sizes: Mapping[str, int] | None = None,
        normals: bool | float | None = None,
        missing: str | None = None,
    ):
        if not datasets:
            raise UserError("ConcatLesionDataset: no data set was given")
        shared = dict(
            split=split,
            fold=fold,
            pipeline=pipeline,
            predictions=predictions,
            exclude=exclude,
            seed=seed,
            sizes=sizes,
            normals=normals,
            missing=missing,
        )
        shared = {key: value for key, value in shared.items() if value is not None}
        self.datasets = [
            _build(dataset, shared, place) if isinstance(dataset, dict) else dataset
            for place, dataset in enumerate(datasets)
        ]
        _refuse_same_names(self.datasets)
        first = self.datasets[0]
        super().__init__(first.split, first.fold, seed=first.seed, sizes=first.sizes)
        self.coarse_size = self._common_coarse_size()
        lengths = [len(dataset) for dataset in self.datasets]
        places = [max(lengths)] * len(lengths) if balance else lengths
        self._ends = list(accumulate(places))
        # How often the images of the smallest set come at most.
        self._rounds = max(math.ceil(count / length) for count, length in zip(places, lengths))
        for dataset, end, count in zip(self.datasets, self._ends, places):
            dataset.first_index = end - count
        counts = ", ".join(
            f"{dataset.dataset_name} {length}" + (f" (in {count} places)" if count != length else "")
            for dataset, length, count in zip(self.datasets, lengths, places)
        )
        print_log(f"{sum(lengths)} images of {len(lengths)} sets: {counts}", logger="current")

    def _common_coarse_size(self) -> int | None:
        sizes = [(d.dataset_name, d.coarse_size) for d in self.datasets if d.coarse_size is not None]
        if len({size for _, size in sizes}) > 1:
            listed = ", ".join(f"{name} {size} px" for name, size in sizes)
            raise UserError(
                f"ConcatLesionDataset: stored predictions of the sets differ in size ({listed}); predict all at one "
                f"coarse size"
            )
        return sizes[0][1] if sizes else None

    @property
    def dataset_name(self) -> str:
        return " + ".join(dataset.dataset_name for dataset in self.datasets)

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

    def describe_sample(self, index: int) -> dict:
        dataset, _, item = self._locate(index)
        return dataset.describe_sample(item)

    def describe(self, index: int, epoch: int = 0) -> dict:
        """Returns the dict of a sample as its own set describes it."""
        dataset, turn, item = self._locate(index)
        return dataset.describe(item, epoch * self._rounds + turn)

    def get_sample(self, index: int, epoch: int = 0):
        """Returns what the pipeline of the sample's own set makes of it."""
        dataset, turn, item = self._locate(index)
        # Each turn of a smaller set has random numbers of its own, as if it were an epoch.
        return dataset.get_sample(item, epoch * self._rounds + turn)

    def _locate(self, index: int) -> tuple[BaseLesionDataset, int, int]:
        """The set that a place belongs to, how often its images came before, and the image's index in the set."""
        dataset = self.datasets[bisect_right(self._ends, index)]
        return dataset, *divmod(index - dataset.first_index, len(dataset))


def _build(config: dict, shared: dict, place: int) -> BaseLesionDataset:
    """Builds one set from its own arguments and, where it gives none, the shared ones."""
    name = config.get("type", ConcatLesionDataset.DEFAULT_ITEM_TYPES["datasets"])
    component = DATASETS.get(name) if isinstance(name, str) else name
    missing = {key: value for key, value in shared.items() if key not in config}
    if component is not None:
        parameters = inspect.signature(component).parameters
        if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters.values()):
            strange = [key for key in missing if key not in parameters]
            if strange:
                raise UserError(
                    f"ConcatLesionDataset: datasets[{place}] is a {component.__name__}, which takes no "
                    f"{', '.join(strange)}; give that to the other sets by themselves, not to all"
                )
    return DATASETS.build({**missing, **config, "type": name})


def _refuse_same_names(datasets: Sequence[BaseLesionDataset]) -> None:
    """Refuses sets that are called alike but lie in different folders: results are told apart by their names."""
    root_of: dict[str, Path] = {}
    for dataset in datasets:
        root = getattr(dataset, "data_root", None)
        if root is None:
            continue
        name, root = dataset.dataset_name, Path(root).resolve()
        if root_of.setdefault(name, root) != root:
            raise UserError(
                f"ConcatLesionDataset: two sets are called {name!r}, {root_of[name]} and {root}, so that results can't be told apart; "
                "convert one of them again with another --name"
            )
