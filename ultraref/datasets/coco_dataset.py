"""Images with COCO annotations."""

import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import Dataset

from ultraref.datasets.coco_annotations import CocoImage, read_coco
from ultraref.datasets.image_io import sha256_of_file
from ultraref.datasets.splits import Splits
from ultraref.registry import DATASETS, TRANSFORMS

# How many problems an error or a warning spells out.
_SHOWN = 20


@DATASETS.register_module()
class CocoLesionDataset(Dataset):
    """Lesions from a COCO instances file.

    `dataset[(epoch, index)]` is sample `index` as it is drawn in that epoch; `dataset[index]` is epoch 0. The sample's
    random numbers depend on the seed, the epoch and the index alone, not on the worker that makes it.

    Args:
        ann_file: COCO instances JSON.
        image_dir: folder that the file names are relative to; by default that of `ann_file`.
        data_root: a converted set (ROOT/splits.json), whose split and folds choose the images by name. None takes all
            images of `ann_file`; `split` and `fold` are then labels only.
        split: "train" (training images outside the fold), "val" (those of the fold) or "test".
        fold: the fold held out.
        merge: "image" gives one sample an image, its mask the union of all objects and crowds; "instance" one sample
            an object. A crowd holds several objects and hence gives no instance.
        keep_empty: whether images without objects are samples, with an empty mask.
        problems: "refuse" raises an error that lists what is wrong with the file; "skip" warns of it and leaves out the
            images that it concerns (a polygon without area is left out alone, as it covers no pixel).
        categories, box_tolerance: see `read_coco`.
        pipeline: transforms, as configs or callables; each takes and returns the dict of one sample.
        seed: seed of the random numbers.

    Attributes:
        problems: what was wrong with the file.
        names: names of the samples; an instance is named after its image and its place among the objects.

    Raises:
        FileNotFoundError: the JSON or splits.json is missing.
        ValueError: an option is not known, the file has problems, images of the split lack annotations, or no sample is
            left.
    """

    METAINFO = {"classes": ("background", "lesion")}
    # Of stored coarse predictions, which `ConcatLesionDataset` compares; COCO sets have none.
    coarse_size = None

    def __init__(
        self,
        ann_file: str,
        image_dir: str | None = None,
        data_root: str | None = None,
        split: str = "train",
        fold: int | None = None,
        merge: str = "image",
        keep_empty: bool = True,
        problems: str = "refuse",
        categories: Sequence[str] | None = None,
        box_tolerance: float = 2.0,
        pipeline: list[dict | Callable] = (),
        seed: int = 0,
    ):
        for option, value, allowed in (
            ("merge", merge, ("image", "instance")),
            ("problems", problems, ("refuse", "skip")),
        ):
            if value not in allowed:
                raise ValueError(f"CocoLesionDataset: {option} is {value!r}; it must be one of {', '.join(allowed)}")
        self.ann_file, self.data_root = ann_file, data_root
        self.split, self.fold, self.seed = split, fold, seed
        self.first_index = 0
        self.splits = None if data_root is None else Splits.read(data_root)
        image_dir = Path(ann_file).parent if image_dir is None else Path(image_dir)
        images, self.problems = read_coco(ann_file, image_dir, categories, box_tolerance)
        self._report(problems == "refuse")
        self._images = self._select(images)
        self._samples = list(self._make_samples(merge, keep_empty))
        if not self._samples:
            raise ValueError(f"split {split!r}, fold {fold} of {ann_file} has no sample")
        self.names = [name for name, _, _ in self._samples]
        self.pipeline = [TRANSFORMS.build(step) if isinstance(step, dict) else step for step in pipeline]

    def _report(self, refuse: bool) -> None:
        if not self.problems:
            return
        shown = "\n".join(f"- {problem}" for problem in self.problems[:_SHOWN])
        more = f"\n- and {len(self.problems) - _SHOWN} more" if len(self.problems) > _SHOWN else ""
        text = f"{self.ann_file}: {len(self.problems)} problems\n{shown}{more}"
        if refuse:
            raise ValueError(f"{text}\nMend the file, or set problems='skip' to leave out what they concern")
        print_log(f"{text}\nThey are left out.", logger="current", level=logging.WARNING)

    def _select(self, images: list[CocoImage]) -> list[CocoImage]:
        if self.splits is None:
            return images
        wanted = set(self.splits.select(self.split, self.fold))
        selected = [image for image in images if image.name in wanted]
        lacking = sorted(wanted - {image.name for image in selected} - self._dropped())
        if lacking:
            raise ValueError(
                f"{self.ann_file} lacks {len(lacking)} of the {len(wanted)} images of split {self.split!r}, fold "
                f"{self.fold} of {self.data_root}, e.g. {', '.join(lacking[:5])}; convert that set again"
            )
        return selected

    def _dropped(self) -> set[str]:
        """Names of images that problems leave out."""
        return {problem.image for problem in self.problems if problem.drops_image}

    def _make_samples(self, merge: str, keep_empty: bool):
        """Yields (sample name, image, run-length codes)."""
        for image in self._images:
            codes = (*image.objects, *image.crowds) if merge == "image" else image.objects
            if merge == "image" or not codes:
                if codes or keep_empty:
                    yield image.name, image, codes
            else:
                for number, code in enumerate(codes):
                    yield f"{image.name}_{number}", image, (code,)

    @property
    def metainfo(self) -> dict:
        """What the data says of itself to evaluators and reports."""
        info = {**self.METAINFO, "dataset": self._dataset_name, "split": self.split, "fold": self.fold}
        if self.splits is not None:
            info.update(grouped=self.splits.grouped, splits_hash=self.splits.hash)
        return info

    @property
    def _dataset_name(self) -> str:
        return Path(self.ann_file).stem if self.splits is None else self.splits.dataset

    @cached_property
    def image_hashes(self) -> dict[str, str]:
        """sha256 of each image's file, by the image's name: what a checkpoint records as trained on."""
        return {image.name: sha256_of_file(image.path) for image in self._images}

    def __len__(self) -> int:
        return len(self._samples)

    def describe(self, index: int, epoch: int = 0) -> dict:
        """Returns the dict of a sample before the pipeline."""
        name, image, codes = self._samples[index]
        return {
            "name": name,
            "dataset": self._dataset_name,
            "img_path": str(image.path),
            "mask_codes": codes,
            "mask_size": image.size,
            "split": self.split,
            "fold": self.splits.images[image.name].fold if self.splits is not None else self.fold,
            "image_hash": self.image_hashes[image.name],
            "rng": np.random.default_rng([self.seed, epoch, self.first_index + index]),
        }

    def __getitem__(self, key: int | tuple[int, int]):
        epoch, index = key if isinstance(key, tuple) else (0, key)
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        results = self.describe(index, epoch)
        for step in self.pipeline:
            results = step(results)
        return results
