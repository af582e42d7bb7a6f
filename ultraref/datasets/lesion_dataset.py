"""One converted set of images with lesion masks."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ultraref.datasets.base_lesion_dataset import BaseLesionDataset
from ultraref.datasets.exclusions import Exclusions
from ultraref.datasets.prediction_store import PredictionRequest, PredictionStore
from ultraref.datasets.splits import Splits
from ultraref.errors import MissingFileError, UserError
from ultraref.registry import DATASETS


@DATASETS.register_module()
class LesionDataset(BaseLesionDataset):
    """A part of a set that a converter wrote: ROOT/{train,test}/{images,masks}/NAME.png and ROOT/splits.json.

    Args:
        data_root: the converted set.
        split: see `BaseLesionDataset`, as for the arguments that are not described here.
        fold: the fold held out. None with "train" gives all training images. With "test" it only says which fold's
            coarse model the stored predictions come from.
        predictions: root of stored coarse predictions; checked here for all images of the part. A training or
            validation image takes the prediction of the model that held it out, a test image that of fold `fold`. Their
            size must be sizes["coarse"] where that is given, and is sizes["coarse"] where it isn't.
        names: the images to use, of those in the part; None for all.
        exclude: exclusion manifest of `tools/audit_leakage.py`; its images are left out of every part.

    Attributes:
        names: sorted names of the images.
        splits: the set's `Splits`.
        excluded: reasons by name of the images that the manifest leaves out of the set.

    Raises:
        FileNotFoundError: the root, or images or masks of it, are missing.
        ValueError: the split, fold or a name is not known, no image is left, or stored predictions or the exclusion
            manifest don't fit.
    """

    def __init__(
        self,
        data_root: str,
        split: str = "train",
        fold: int | None = None,
        pipeline: Sequence[dict | Callable] = (),
        predictions: str | None = None,
        names: list[str] | None = None,
        exclude: str | None = None,
        seed: int = 0,
        sizes: Mapping[str, int] | None = None,
    ):
        super().__init__(split, fold, pipeline, seed, sizes)
        self.data_root = Path(data_root).expanduser()
        self.splits = Splits.read(data_root)
        self.excluded = {} if exclude is None else Exclusions.read(exclude).of(self.splits, exclude)
        self.names = self._select_names(names)
        self._check_files()
        self.predictions = predictions
        self.coarse_size = None if predictions is None else self._check_predictions()

    def _select_names(self, wanted: list[str] | None) -> list[str]:
        names = self.splits.select(self.split, self.fold)
        part = f"split {self.split!r}" + ("" if self.fold is None else f", fold {self.fold}") + f" of {self.data_root}"
        if wanted is not None:
            strange = sorted(set(wanted) - set(names))
            if strange:
                raise UserError(
                    f"{part} does not hold {', '.join(strange[:10])} ({len(strange)} of {len(wanted)} names)"
                )
            names = sorted(set(wanted))
        names = [name for name in names if name not in self.excluded]
        if not names:
            raise UserError(f"{part} is empty")
        return names

    def _check_files(self) -> None:
        paths = [path for name in self.names for path in (self._path("images", name), self._path("masks", name))]
        missing = [str(path) for path in paths if not path.is_file()]
        if missing:
            raise MissingFileError(
                f"{len(missing)} files that {self.data_root}/splits.json lists are missing, the first is {missing[0]}; "
                "run the converter again"
            )

    def _check_predictions(self) -> int:
        requests = []
        for name in self.names:
            fold, part = self._prediction_of(name)
            requests.append(PredictionRequest(name, fold, part, self.splits.images[name].sha256))
        size = PredictionStore(self.predictions).validate(requests)
        expected = self.sizes.get("coarse", size)
        if size != expected:
            raise UserError(
                f"LesionDataset: the stored predictions under {self.predictions} are {size} px, but the coarse "
                f"network's frame is {expected} px (sizes['coarse']); predict again with that network (python "
                f"tools/predict_coarse.py), or give sizes=dict(coarse={size}, ...)"
            )
        self.sizes["coarse"] = size
        return size

    def _prediction_of(self, name: str) -> tuple[int, str]:
        """Returns fold and split of the stored prediction of an image."""
        entry = self.splits.images[name]
        if entry.split == "train":
            return entry.fold, "val"
        if self.fold is None:
            raise UserError("stored predictions of test images come from one fold's model: give the data set a fold")
        return self.fold, "test"

    def _path(self, kind: str, name: str) -> Path:
        return self.data_root / self.splits.images[name].split / kind / f"{name}.png"

    @property
    def dataset_name(self) -> str:
        return self.splits.dataset

    @property
    def metainfo(self) -> dict:
        """What the data says of itself, among it whether patients were kept together and the split's hash."""
        return {
            **super().metainfo,
            "grouped": self.splits.grouped,
            "splits_hash": self.splits.hash,
            "excluded": len(self.excluded),
        }

    @property
    def image_hashes(self) -> dict[str, str]:
        return {name: self.splits.images[name].sha256 for name in self.names}

    @property
    def image_paths(self) -> dict[str, Path]:
        return {name: self._path("images", name) for name in self.names}

    @property
    def mask_hashes(self) -> dict[str, str]:
        return {name: self.splits.images[name].mask_sha256 for name in self.names}

    @property
    def prediction_hashes(self) -> dict[str, str]:
        if self.predictions is None:
            return {}
        store = PredictionStore(self.predictions)
        return {name: store.recorded_hash(name, *self._prediction_of(name)) for name in self.names}

    def describe_sample(self, index: int) -> dict:
        """As in `BaseLesionDataset`; with stored predictions also where that of the image lies."""
        name = self.names[index]
        entry = self.splits.images[name]
        results = {
            "name": name,
            "dataset": self.splits.dataset,
            "img_path": str(self._path("images", name)),
            "seg_map_path": str(self._path("masks", name)),
            "fold": entry.fold,
            "image_hash": entry.sha256,
            "mask_hash": entry.mask_sha256,
            "predictions": self.predictions,
            **self.splits.describe(name),
        }
        if self.predictions is not None:
            results["prediction_fold"], results["prediction_split"] = self._prediction_of(name)
        return results
