"""One converted set of images with lesion masks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from ultraref.datasets.exclusions import Exclusions
from ultraref.datasets.prediction_store import PredictionRequest, PredictionStore
from ultraref.datasets.splits import Splits
from ultraref.registry import DATASETS, TRANSFORMS


@DATASETS.register_module()
class LesionDataset(Dataset):
    """A part of a set that a converter wrote: ROOT/{train,test}/{images,masks}/NAME.png and ROOT/splits.json.

    `dataset[(epoch, index)]` is sample `index` as it is drawn in that epoch; `dataset[index]` is epoch 0. The sample's
    random numbers depend on the seed, the epoch and the index alone, not on the worker that makes it.

    Args:
        data_root: the converted set.
        split: "train" (training images outside the fold), "val" (those of the fold) or "test".
        fold: the fold held out. None with "train" gives all training images. With "test" it only says which fold's
            coarse model the stored predictions come from.
        pipeline: transforms, as configs or callables; each takes and returns the dict of one sample.
        predictions: root of stored coarse predictions; checked here for all images of the part. A training or
            validation image takes the prediction of the model that held it out, a test image that of fold `fold`.
        names: the images to use, of those in the part; None for all.
        exclude: exclusion manifest of `tools/audit_leakage.py`; its images are left out of every part.
        seed: seed of the random numbers.

    Attributes:
        names: sorted names of the images.
        splits: the set's `Splits`.
        excluded: reasons by name of the images that the manifest leaves out of the set.
        coarse_size: size of the stored predictions in pixels; None without `predictions`.
        first_index: added to the index when random numbers are drawn; `ConcatLesionDataset` sets it, so that sample i
            of two sets differs.

    Raises:
        FileNotFoundError: the root, or images or masks of it, are missing.
        ValueError: the split, fold or a name is not known, no image is left, or stored predictions or the exclusion
            manifest don't fit.
    """

    METAINFO = {"classes": ("background", "lesion")}

    def __init__(
        self,
        data_root: str,
        split: str = "train",
        fold: int | None = None,
        pipeline: list[dict | Callable] = (),
        predictions: str | None = None,
        names: list[str] | None = None,
        exclude: str | None = None,
        seed: int = 0,
    ):
        self.data_root = Path(data_root)
        self.split = split
        self.fold = fold
        self.seed = seed
        self.first_index = 0
        self.splits = Splits.read(data_root)
        self.excluded = {} if exclude is None else Exclusions.read(exclude).of(self.splits, exclude)
        self.names = self._select_names(names)
        self._check_files()
        self.predictions = predictions
        self.coarse_size = None if predictions is None else self._check_predictions()
        self.pipeline = [TRANSFORMS.build(step) if isinstance(step, dict) else step for step in pipeline]

    def _select_names(self, wanted: list[str] | None) -> list[str]:
        names = self.splits.select(self.split, self.fold)
        part = f"split {self.split!r}" + ("" if self.fold is None else f", fold {self.fold}") + f" of {self.data_root}"
        if wanted is not None:
            strange = sorted(set(wanted) - set(names))
            if strange:
                raise ValueError(
                    f"{part} does not hold {', '.join(strange[:10])} ({len(strange)} of {len(wanted)} names)"
                )
            names = sorted(set(wanted))
        names = [name for name in names if name not in self.excluded]
        if not names:
            raise ValueError(f"{part} is empty")
        return names

    def _check_files(self) -> None:
        paths = [path for name in self.names for path in (self._path("images", name), self._path("masks", name))]
        missing = [str(path) for path in paths if not path.is_file()]
        if missing:
            raise FileNotFoundError(
                f"{len(missing)} files that {self.data_root}/splits.json lists are missing, the first is {missing[0]}; "
                "run the converter again"
            )

    def _check_predictions(self) -> int:
        requests = []
        for name in self.names:
            fold, part = self._prediction_of(name)
            requests.append(PredictionRequest(name, fold, part, self.splits.images[name].sha256))
        return PredictionStore(self.predictions).validate(requests)

    def _prediction_of(self, name: str) -> tuple[int, str]:
        """Returns fold and split of the stored prediction of an image."""
        entry = self.splits.images[name]
        if entry.split == "train":
            return entry.fold, "val"
        if self.fold is None:
            raise ValueError("stored predictions of test images come from one fold's model: give the data set a fold")
        return self.fold, "test"

    def _path(self, kind: str, name: str) -> Path:
        return self.data_root / self.splits.images[name].split / kind / f"{name}.png"

    @property
    def metainfo(self) -> dict:
        """What the data says of itself to evaluators and reports."""
        return {
            **self.METAINFO,
            "dataset": self.splits.dataset,
            "split": self.split,
            "fold": self.fold,
            "grouped": self.splits.grouped,
            "splits_hash": self.splits.hash,
            "excluded": len(self.excluded),
        }

    @property
    def image_hashes(self) -> dict[str, str]:
        """sha256 of each image's file, by name: what a checkpoint records as trained on."""
        return {name: self.splits.images[name].sha256 for name in self.names}

    def __len__(self) -> int:
        return len(self.names)

    def describe(self, index: int, epoch: int = 0) -> dict:
        """Returns the dict of a sample before the pipeline."""
        name = self.names[index]
        entry = self.splits.images[name]
        results = {
            "name": name,
            "dataset": self.splits.dataset,
            "img_path": str(self._path("images", name)),
            "mask_path": str(self._path("masks", name)),
            "split": self.split,
            "fold": entry.fold,
            "image_hash": entry.sha256,
            "predictions": self.predictions,
            "rng": np.random.default_rng([self.seed, epoch, self.first_index + index]),
        }
        if self.predictions is not None:
            results["prediction_fold"], results["prediction_split"] = self._prediction_of(name)
        return results

    def __getitem__(self, key: int | tuple[int, int]):
        epoch, index = key if isinstance(key, tuple) else (0, key)
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        results = self.describe(index, epoch)
        for step in self.pipeline:
            results = step(results)
        return results
