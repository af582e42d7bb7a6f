"""What every data set of this package is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from ultraref.datasets.global_random import seeded_global_random
from ultraref.datasets.pipeline import Pipeline
from ultraref.errors import UserError


class BaseLesionDataset(Dataset, ABC):
    """Contract of a data set: images with lesion masks, one sample each, indexed by (epoch, index).

    `dataset[(epoch, index)]` is sample `index` as it is drawn in that epoch; `dataset[index]` is epoch 0. A sample's
    random numbers depend on the seed, the epoch and the index alone, not on the worker that makes it nor on what was
    made before: results["rng"] is `numpy.random.default_rng([seed, epoch, first_index + index])`, and while the
    pipeline runs the global generators of numpy, Python and torch are seeded likewise, for transforms that draw from
    those.

    A subclass is one file. It sets `names`, and implements `dataset_name`, `image_hashes` and `describe_sample`; where
    its images have stored coarse predictions it sets `coarse_size` as well. Its constructor takes the arguments below
    and hands them on.

    Args:
        split: "train" (training images outside the fold), "val" (those of the fold), "test" or "all".
        fold: the fold held out.
        pipeline: transforms, as configs or callables; each takes and returns the dict of one sample.
        seed: seed of the random numbers; the runner fills in its own.
        sizes: side in pixels of each network's (square) frame, e.g. dict(coarse=224, sam=1024). The runner fills in
            those of the model.

    Attributes:
        METAINFO: what `metainfo` says of every data set of the class.
        names: name of each sample, in order.
        coarse_size: side of the stored coarse predictions in pixels; None without.
        first_index: added to the index when random numbers are drawn; `ConcatLesionDataset` sets it, so that sample i
            of two sets differs.

    Raises:
        ValueError: a size is not a positive whole number.
    """

    METAINFO = {"classes": ("background", "lesion")}
    names: Sequence[str] = ()
    coarse_size: int | None = None

    def __init__(
        self,
        split: str = "train",
        fold: int | None = None,
        pipeline: Sequence[dict | Callable] = (),
        seed: int = 0,
        sizes: Mapping[str, int] | None = None,
    ):
        for name, size in (sizes or {}).items():
            if not isinstance(size, int) or size < 1:
                raise UserError(
                    f"{type(self).__name__}: sizes[{name!r}] is {size!r}; it must be the side of the network's frame "
                    f"in pixels, such as sizes=dict(coarse=224, sam=1024)"
                )
        self.split = split
        self.fold = fold
        self.pipeline = Pipeline(pipeline)
        self.seed = seed
        self.sizes = dict(sizes or {})
        self.first_index = 0

    @property
    @abstractmethod
    def dataset_name(self) -> str:
        """Name of the set, for reports and messages."""

    @property
    @abstractmethod
    def image_hashes(self) -> dict[str, str]:
        """sha256 of each image's file, by the image's name: what a checkpoint records as trained on."""

    @property
    def image_paths(self) -> Mapping[str, Path]:
        """File of each image, by the image's name: what a checkpoint carries perceptual hashes of. Empty where images are no files."""
        return {}

    @property
    def mask_hashes(self) -> dict[str, str]:
        """sha256 of what each sample's mask is read from, by name; empty where nothing is recorded."""
        return {}

    @property
    def prediction_hashes(self) -> dict[str, str]:
        """sha256 of each stored coarse prediction, by name; empty without."""
        return {}

    @abstractmethod
    def describe_sample(self, index: int) -> dict:
        """Returns what the pipeline starts from, without the keys that `describe` adds.

        It must have name, dataset, img_path and fold (the fold that holds the image out, None if there is none); for
        `LoadLesionMask` seg_map_path, for their checks image_hash and mask_hash. It may have spacing, the (row, column) distance of two
        pixels in mm; attributes, what is known of the case (class, BI-RADS) by name; normal, whether it has no lesion and is
        judged by false alarms alone; pixels_hash, group and group_kind (`Splits.describe`): they become metainfo and columns of the table of cases.
        """

    @property
    def metainfo(self) -> dict:
        """What the data says of itself to evaluators and reports."""
        return {**self.METAINFO, "dataset": self.dataset_name, "split": self.split, "fold": self.fold}

    def describe(self, index: int, epoch: int = 0) -> dict:
        """Returns the dict of a sample before the pipeline: its description, split, sizes, seg_fields and rng."""
        return {
            **self.describe_sample(index),
            "split": self.split,
            "sizes": self.sizes,
            "seg_fields": [],
            "rng": np.random.default_rng(self._entropy(index, epoch)),
        }

    def get_sample(self, index: int, epoch: int = 0):
        """Returns what the pipeline makes of a sample."""
        results = self.describe(index, epoch)
        with seeded_global_random(self._entropy(index, epoch)):
            return self.pipeline(results)

    def _entropy(self, index: int, epoch: int) -> list[int]:
        return [self.seed, epoch, self.first_index + index]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, key: int | tuple[int, int]):
        """Returns sample `key`, an index or (epoch, index).

        Raises:
            IndexError: the index is out of range.
        """
        epoch, index = key if isinstance(key, tuple) else (0, key)
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        return self.get_sample(index, epoch)
