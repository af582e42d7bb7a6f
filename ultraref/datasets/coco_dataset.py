"""Images with COCO annotations."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from mmengine.logging import print_log

from ultraref.datasets.base_lesion_dataset import BaseLesionDataset
from ultraref.datasets.coco_annotations import NO_CLASS, CocoFile, CocoImage
from ultraref.datasets.coco_records import CocoProblem
from ultraref.datasets.converters.choose_classes import choose_classes
from ultraref.datasets.recorded_files import sha256_once
from ultraref.datasets.splits import Splits
from ultraref.errors import UserError
from ultraref.names import name_fault
from ultraref.registry import DATASETS

# How many problems an error or a warning spells out.
_SHOWN = 20


@DATASETS.register_module()
class CocoLesionDataset(BaseLesionDataset):
    """Lesions from a COCO instances file.

    There are no stored coarse predictions of such a set.

    Args:
        ann_file: COCO instances JSON.
        image_dir: folder that the file names are relative to; by default that of `ann_file`.
        data_root: a converted set (ROOT/splits.json), whose split and folds choose the images by name. None takes all
            images of `ann_file`; `split` and `fold` are then labels only.
        split, fold, pipeline, seed, sizes: see `BaseLesionDataset`.
        merge: "image" gives one sample an image, its mask the union of all objects and crowds; "instance" one sample
            an object. A crowd holds several objects and hence gives no instance.
        keep_empty: whether images without objects are samples, with an empty mask.
        problems: "refuse" raises an error that lists what is wrong with the file; "skip" warns of it and leaves out the
            images that it concerns (a polygon without area is left out alone, as it covers no pixel).
        classes: names of the categories that are lesion, the others are background; by default those of the file's
            info.lesion_classes, as `to_coco` writes, or the only one that has objects.
        box_tolerance: see `CocoFile.read_images`.

    Attributes:
        problems: what was wrong with the file.
        names: names of the samples; an instance is named after its image and its place among the objects.

    Raises:
        FileNotFoundError: the JSON or splits.json is missing.
        ValueError: an option is not known, the file has problems, several categories have objects and none is chosen, images of the split lack annotations, or no sample is
            left.
    """

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
        classes: Sequence[str] | None = None,
        box_tolerance: float = 2.0,
        pipeline: Sequence[dict | Callable] = (),
        seed: int = 0,
        sizes: Mapping[str, int] | None = None,
    ):
        super().__init__(split, fold, pipeline, seed, sizes)
        for option, value, allowed in (
            ("merge", merge, ("image", "instance")),
            ("problems", problems, ("refuse", "skip")),
        ):
            if value not in allowed:
                raise UserError(f"CocoLesionDataset: {option} is {value!r}; it must be one of {', '.join(allowed)}")
        self.ann_file, self.data_root = ann_file, data_root
        self.splits = None if data_root is None else Splits.read(data_root)
        ann_file = str(Path(ann_file).expanduser())
        image_dir = Path(ann_file).parent if image_dir is None else Path(image_dir).expanduser()
        coco = CocoFile(ann_file)
        wanted = coco.stated_classes if classes is None else classes
        chosen = choose_classes(coco.counts, wanted, ann_file, f"{type(self).__name__}: classes=[...]")
        images, problems_of_images = coco.read_images(image_dir, chosen, box_tolerance)
        self.problems = [*problems_of_images, *_name_problems(images)]
        self._report(problems == "refuse")
        self._images = self._select([image for image in images if name_fault(image.name) is None])
        self._samples = list(self._make_samples(merge, keep_empty))
        if not self._samples:
            raise UserError(f"split {split!r}, fold {fold} of {ann_file} has no sample")
        self.names = [name for name, _, _ in self._samples]

    def _report(self, refuse: bool) -> None:
        if not self.problems:
            return
        shown = "\n".join(f"- {problem}" for problem in self.problems[:_SHOWN])
        more = f"\n- and {len(self.problems) - _SHOWN} more" if len(self.problems) > _SHOWN else ""
        text = f"{self.ann_file}: {len(self.problems)} problems\n{shown}{more}"
        if refuse:
            raise UserError(f"{text}\nMend the file, or set problems='skip' to leave out what they concern")
        print_log(f"{text}\nThey are left out.", logger="current", level=logging.WARNING)

    def _select(self, images: list[CocoImage]) -> list[CocoImage]:
        if self.splits is None:
            return images
        wanted = set(self.splits.select(self.split, self.fold))
        selected = [image for image in images if image.name in wanted]
        lacking = sorted(wanted - {image.name for image in selected} - self._dropped())
        if lacking:
            raise UserError(
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

    def _describe(self, image: CocoImage) -> dict:
        if self.splits is not None:
            return self.splits.describe(image.name)
        return {} if image.category in (None, NO_CLASS) else {"attributes": {"class": image.category.lower()}}

    @property
    def dataset_name(self) -> str:
        return Path(self.ann_file).stem if self.splits is None else self.splits.dataset

    @property
    def metainfo(self) -> dict:
        """What the data says of itself; of a converted set also what its split says."""
        info = super().metainfo
        if self.splits is not None:
            info.update(grouped=self.splits.grouped, splits_hash=self.splits.hash)
        return info

    @cached_property
    def image_hashes(self) -> dict[str, str]:
        return {image.name: sha256_once(image.path) for image in self._images}

    @property
    def image_paths(self) -> dict[str, Path]:
        return {image.name: Path(image.path) for image in self._images}

    @property
    def mask_hashes(self) -> dict[str, str]:
        """sha256 of each sample's run-lengths and size, by the sample's name."""
        return {name: sha256(repr((image.size, codes)).encode()).hexdigest() for name, image, codes in self._samples}

    def describe_sample(self, index: int) -> dict:
        """As in `BaseLesionDataset`; the mask comes as mask_codes and mask_size, for `LoadCocoMask`."""
        name, image, codes = self._samples[index]
        return {
            "name": name,
            "dataset": self.dataset_name,
            "img_path": str(image.path),
            "mask_codes": codes,
            "mask_size": image.size,
            "fold": self.splits.images[image.name].fold if self.splits is not None else self.fold,
            "image_hash": self.image_hashes[image.name],
            **self._describe(image),
        }


def _name_problems(images: Sequence[CocoImage]) -> list[CocoProblem]:
    return [
        CocoProblem(image.path.name, f"its name {fault}", image.name)
        for image in images
        if (fault := name_fault(image.name))
    ]
