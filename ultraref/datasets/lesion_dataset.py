"""One converted set of images with lesion masks."""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mmengine.logging import print_log

from ultraref.datasets.base_lesion_dataset import BaseLesionDataset
from ultraref.datasets.exclusions import Exclusions
from ultraref.datasets.prediction_store import PredictionRequest, PredictionStore
from ultraref.datasets.splits import Splits
from ultraref.errors import MissingFileError, UserError
from ultraref.registry import DATASETS

# How many files an error or a warning names.
_SHOWN = 20


@DATASETS.register_module()
class LesionDataset(BaseLesionDataset):
    """A part of a set that a converter wrote: ROOT/{train,test}/{images,masks}/NAME.png and ROOT/splits.json.

    Args:
        data_root: the converted set.
        split: see `BaseLesionDataset`, as for the arguments that are not described here; "all" is every image of the set.
        fold: the fold held out. None with "train" gives all training images. With "test" it only says which fold's
            coarse model the stored predictions come from.
        predictions: root of stored coarse predictions; checked here for all images of the part. A training or
            validation image takes the prediction of the model that held it out, a test image that of fold `fold`. Their
            size must be sizes["coarse"] where that is given, and is sizes["coarse"] where it isn't.
        names: the images to use, of those in the part; None for all.
        exclude: exclusion manifest of `tools/audit_leakage.py`; its images are left out of every part.
        normals: which images without a lesion are taken, of a set that was converted with them: False none, True all of the part, a
            number above 0 and below 1 so many, drawn by the seed, that they are this share of all images of the part. None takes all for "test"
            and "all", where they are judged by false alarms alone, and none for "train" and "val".
        missing: "refuse" raises an error that lists the files that splits.json names and that aren't there; "skip" warns of them, and
            leaves out and counts their images.

    Attributes:
        names: sorted names of the images.
        missing: names of the images that were left out as their files are missing.
        splits: the set's `Splits`.
        excluded: reasons by name of the images that the manifest leaves out of the set.

    Raises:
        FileNotFoundError: the root is missing, or, unless they are skipped, images or masks of it.
        ValueError: the split, fold or a name is not known, no image is left, there are fewer normals than asked for, or stored predictions or the exclusion
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
        normals: bool | float | None = None,
        missing: str = "refuse",
    ):
        super().__init__(split, fold, pipeline, seed, sizes)
        if missing not in ("refuse", "skip"):
            raise UserError(f"LesionDataset: missing is {missing!r}; it must be 'refuse' or 'skip'")
        self.data_root = Path(data_root).expanduser()
        self.splits = Splits.read(data_root)
        self.excluded = {} if exclude is None else Exclusions.read(exclude).of(self.splits, exclude)
        self.names = self._select_names(names, self._checked_share(normals))
        self.missing = self._check_files(missing == "skip")
        self.predictions = predictions
        self.coarse_size = None if predictions is None else self._check_predictions()

    def _checked_share(self, normals: bool | float | None) -> bool | float:
        if normals is None:
            return self.split in ("test", "all")
        if not isinstance(normals, bool) and not (isinstance(normals, (int, float)) and 0 <= normals < 1):
            raise UserError(
                f"LesionDataset: normals is {normals!r}; it must be False, True, or the share of the images that are normals, from 0 "
                "to below 1"
            )
        return normals or False

    def _select_names(self, wanted: list[str] | None, normals: bool | float) -> list[str]:
        part = f"split {self.split!r}" + ("" if self.fold is None else f", fold {self.fold}") + f" of {self.data_root}"
        names = sorted(self._lesions_and_normals(normals, part))
        if wanted is not None:
            strange = sorted(set(wanted) - set(names))
            if strange:
                raise UserError(
                    f"{part} does not hold {', '.join(strange[:10])} ({len(strange)} of {len(wanted)} names)"
                )
            names = sorted(set(wanted))
        names = [name for name in names if name not in self.excluded]
        if all(self.splits.images[name].normal for name in names):
            raise UserError(f"{part} is empty")
        return names

    def _lesions_and_normals(self, normals: bool | float, part: str) -> list[str]:
        lesions = self.splits.select(self.split, self.fold)
        if normals is False:
            return lesions
        there = self.splits.select(self.split, self.fold, normals=True)
        if normals is True:
            return lesions + there
        there = [name for name in there if name not in self.excluded]
        images = sum(name not in self.excluded for name in lesions)
        count = round(normals * images / (1 - normals))
        if count > len(there):
            most = len(there) / max(images + len(there), 1)
            advice = "" if there else "; the converter takes them into the set with --keep-normals"
            raise UserError(
                f"normals={normals:g} of {part} asks for {count} images without a lesion beside {images} with one, but it has {len(there)}: "
                f"at most {most:.3f}{advice}"
            )
        # Drawn by hash, so that the draw is the same on every machine.
        there.sort(key=lambda name: hashlib.sha256(f"{self.seed}/normals/{name}".encode()).digest())
        return lesions + there[:count]

    def _check_files(self, skip: bool) -> tuple[str, ...]:
        """Returns the names of images with a missing file, which are left out; or refuses them."""
        missing = {
            name: [str(path) for path in (self._path("images", name), self._path("masks", name)) if not path.is_file()]
            for name in self.names
        }
        missing = {name: files for name, files in missing.items() if files}
        if not missing:
            return ()
        files = [file for own in missing.values() for file in own]
        more = f"\n- and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
        listed = "".join(f"\n- {file}" for file in files[:_SHOWN]) + more
        what = f"{len(files)} files that {self.data_root}/splits.json lists are missing:{listed}"
        if not skip or len(missing) == len(self.names):
            raise MissingFileError(
                f"{what}\nRun the converter again, or leave their images out: missing='skip' of the data set, --skip-missing of a test"
            )
        print_log(f"{what}\n{len(missing)} images are left out.", logger="current", level=logging.WARNING)
        self.names = [name for name in self.names if name not in missing]
        return tuple(missing)

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
            "missing": len(self.missing),
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
