"""splits.json: which image of a converted set is for testing, and which fold each of the others is in."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ultraref.datasets.case_file import CASES_NAME, CaseFile
from ultraref.errors import UserError
from ultraref.json_file import read_json
from ultraref.names import check_name

SPLITS_VERSION = 2
# Version 1 has no cases.csv beside it, and no normals.
READABLE_VERSIONS = (1, 2)
SPLITS_NAME = "splits.json"


@dataclass(frozen=True)
class ImageEntry:
    """What splits.json says of one image.

    Attributes:
        split: "train" or "test".
        fold: the fold that holds the image out, from 0 up; None for a test image.
        sha256: of the image's PNG file.
        mask_sha256: of the mask's PNG file.
        category: the set's own class, e.g. "benign"; None where it has none.
        group: name of the first image of its group. A group (a patient, or near-duplicates) is never split.
        pixels: sha256 of the size and the pixels of image and mask. Unlike that of a file it doesn't depend on the PNG
            library that wrote it.
        patient: whom the image is of; None, and not written, where the set doesn't say.
        normal: whether the image has no lesion, and an empty mask; not written where it has one.
    """

    split: str
    fold: int | None
    sha256: str
    mask_sha256: str
    category: str | None
    group: str
    pixels: str
    patient: str | None = None
    normal: bool = False


@dataclass(frozen=True)
class Splits:
    """The content of splits.json.

    Attributes:
        dataset: name of the set.
        seed: seed of the shuffle.
        grouped: whether patients or near-duplicates were kept together. False is the plain seeded split.
        grouping: how groups were found, in words, e.g. "pHash distance <= 20".
        num_folds: number of folds of the training images.
        images: by name, sorted.
        cases: what else is known of each image; None of a set that an earlier version converted.
    """

    dataset: str
    seed: int
    grouped: bool
    grouping: str
    num_folds: int
    images: dict[str, ImageEntry]
    cases: CaseFile | None = None

    @property
    def hash(self) -> str:
        """sha256 of all that the split and cases.csv say and of the pixels, alike on every machine: file hashes are left out."""
        content = self._as_dict()
        for entry in content["images"].values():
            del entry["sha256"], entry["mask_sha256"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def select(self, split: str, fold: int | None = None, normals: bool = False) -> list[str]:
        """Returns the sorted names of a part.

        Args:
            split: "train": training images outside the fold, all of them without a fold; "val": those of the fold;
                "test": the test images, whatever the fold; "all": every image.
            fold: the fold that is held out.
            normals: the images without a lesion instead of those with one.

        Raises:
            ValueError: the split or the fold is not known, or "val" has no fold.
        """
        if split not in ("train", "val", "test", "all"):
            raise UserError(f"split {split!r} of {self.dataset} is not known; it is 'train', 'val' or 'test', or 'all'")
        if fold is not None and not (isinstance(fold, int) and 0 <= fold < self.num_folds):
            raise UserError(f"fold {fold!r} of {self.dataset} is not known; its folds are 0 to {self.num_folds - 1}")
        if split == "val" and fold is None:
            raise UserError(f"split 'val' of {self.dataset} is the held-out fold: give fold=0 to {self.num_folds - 1}")
        wanted = {name: entry for name, entry in self.images.items() if entry.normal == normals}
        if split in ("test", "all"):
            return [name for name, entry in wanted.items() if split in ("all", entry.split)]
        training = {name: entry for name, entry in wanted.items() if entry.split == "train"}
        return [name for name, entry in training.items() if fold is None or (entry.fold == fold) == (split == "val")]

    def describe(self, name: str) -> dict:
        """Returns what an evaluation wants to know of an image, as metainfo of its sample.

        Returns:
            `pixels_hash`; `group` and `group_kind`, the largest unit that is independent of the others: the "patient" where known,
            else the "duplicate group" where near-duplicates were looked for, else the "image"; `attributes`, all columns of cases.csv that
            say something of the image, or the class where there is no such file; `normal`, whether it has no lesion; and
            `spacing` where that is known, (row, column) in millimetres.
        """
        entry = self.images[name]
        if entry.patient is not None:
            kind, group = "patient", entry.patient
        elif self.grouping != "none":
            kind, group = "duplicate group", entry.group
        else:
            kind, group = "image", name
        found = {"pixels_hash": entry.pixels, "group": group, "group_kind": kind, "normal": entry.normal}
        if self.cases is None:
            return {**found, "attributes": {} if entry.category is None else {"class": entry.category}}
        spacing = self.cases.spacing(name)
        return {**found, "attributes": dict(self.cases.rows[name]), **({} if spacing is None else {"spacing": spacing})}

    def to_json(self) -> str:
        """Returns the file's text; the same content gives the same text."""
        version = 1 if self.cases is None else SPLITS_VERSION
        return json.dumps({"version": version, **self._as_dict(), "hash": self.hash}, indent=1) + "\n"

    def write(self, root: str | Path) -> None:
        """Writes ROOT/splits.json, and before it the cases.csv that it records."""
        if self.cases is not None:
            (Path(root) / CASES_NAME).write_text(self.cases.to_csv(), encoding="utf-8", newline="")
        (Path(root) / SPLITS_NAME).write_text(self.to_json(), encoding="utf-8")

    def _as_dict(self) -> dict:
        images = {}
        for name in sorted(self.images):
            entry = asdict(self.images[name])
            entry["class"] = entry.pop("category")
            if entry["patient"] is None:
                del entry["patient"]
            if not entry["normal"]:
                del entry["normal"]
            images[name] = entry
        return {
            "dataset": self.dataset,
            "seed": self.seed,
            "grouped": self.grouped,
            "grouping": self.grouping,
            "num_folds": self.num_folds,
            **({} if self.cases is None else {"cases": self.cases.sha256}),
            "images": images,
        }

    @classmethod
    def read(cls, root: str | Path) -> "Splits":
        """Reads ROOT/splits.json, and the cases.csv that it records.

        Raises:
            FileNotFoundError: one is missing.
            ValueError: one is damaged, of another version, or was changed by hand.
        """
        path = Path(root).expanduser() / SPLITS_NAME
        hint = f"a data root is what a converter writes: python tools/dataset_converters/NAME.py SRC {root}"
        content = read_json(path, "splits.json", hint=hint)
        again = "run the converter again"
        try:
            version, written = content.pop("version"), content.pop("hash")
            if version not in READABLE_VERSIONS:
                known = " and ".join(map(str, READABLE_VERSIONS))
                raise UserError(f"{path}: version {version!r}, but this program reads {known}; {again}")
            cases = CaseFile.read(path.parent, content.pop("cases")) if version > 1 else None
            images = {n: ImageEntry(category=e.pop("class"), **e) for n, e in content.pop("images").items()}
            splits = cls(images=images, cases=cases, **content)
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: not a whole splits.json ({error!r}); {again}") from error
        if splits.hash != written:
            raise UserError(f"{path}: was changed after it was written (its hash doesn't fit); {again}")
        check_name(splits.dataset, f"{path}: the set's name", again)
        for name in splits.images:
            check_name(name, f"{path}: the image's name", again)
        if cases is not None and cases.rows.keys() != images.keys():
            raise UserError(f"{path}: {CASES_NAME} beside it is of other images; {again}")
        return splits
