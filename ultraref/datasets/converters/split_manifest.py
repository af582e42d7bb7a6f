"""A published split: which image of a set, as its publisher gives it out, is for testing, and which fold each of the others is in."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ultraref.atomic import atomic_file
from ultraref.datasets.converters.raw_sample import RawSample
from ultraref.datasets.image_io import sha256_of_file
from ultraref.datasets.splits import Splits
from ultraref.errors import UserError
from ultraref.json_file import read_json

MANIFEST_VERSION = 1
# Names that a message lists of each kind.
_LISTED = 5


@dataclass(frozen=True)
class ManifestEntry:
    """What a manifest says of one image.

    Attributes:
        sha256: of the published image file.
        masks: sha256 of each of its published mask files, in order; none where a set's masks are no files of their own.
        split: "train" or "test".
        fold: the fold that holds the image out; None for a test image.
        group: name of the first image of its group.
    """

    sha256: str
    masks: tuple[str, ...]
    split: str
    fold: int | None
    group: str


@dataclass(frozen=True)
class SplitManifest:
    """A split by the published files, so that it can be checked against a copy of them. It holds no image and no patient's name.

    Attributes:
        dataset: name of the set.
        seed, grouped, grouping, num_folds: see `Splits`.
        images: by name, sorted.
    """

    dataset: str
    seed: int
    grouped: bool
    grouping: str
    num_folds: int
    images: dict[str, ManifestEntry]

    @property
    def hash(self) -> str:
        """sha256 of all that it says."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @classmethod
    def of(cls, splits: Splits, samples: list[RawSample]) -> "SplitManifest":
        """Describes the split of a set that was converted from published samples: of its images with a lesion."""
        by_name = {sample.name: sample for sample in samples}
        images = {}
        for name, entry in sorted(splits.images.items()):
            if entry.normal:
                continue  # Normals follow from the others.
            image, masks = _hashes(by_name[name])
            images[name] = ManifestEntry(image, masks, entry.split, entry.fold, entry.group)
        return cls(splits.dataset, splits.seed, splits.grouped, splits.grouping, splits.num_folds, images)

    def write(self, path: str | Path) -> None:
        """Writes the file; the same content gives the same bytes."""
        with atomic_file(path, "w") as file:
            json.dump({"version": MANIFEST_VERSION, **asdict(self), "hash": self.hash}, file, indent=1)
            file.write("\n")

    @classmethod
    def read(cls, path: str | Path) -> "SplitManifest":
        """Reads a file.

        Raises:
            FileNotFoundError: there is none.
            UserError: it is damaged, of another version, or was changed by hand.
        """
        path = Path(path)
        content = read_json(path, "manifest of a split", hint="a converter writes one with --write-manifest FILE")
        try:
            version, written = content.pop("version"), content.pop("hash")
            if version != MANIFEST_VERSION:
                raise UserError(f"{path}: version {version!r}, but this program reads {MANIFEST_VERSION}")
            images = {
                name: ManifestEntry(**{**entry, "masks": tuple(entry["masks"])})
                for name, entry in content.pop("images").items()
            }
            manifest = cls(images=images, **content)
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: not a whole manifest of a split ({error!r}); get it again") from error
        if manifest.hash != written:
            raise UserError(f"{path}: was changed after it was written (its hash doesn't fit); get it again")
        return manifest

    def check(self, samples: Mapping[str, RawSample]) -> None:
        """Compares the published files of a copy with the manifest's.

        Args:
            samples: the images with a lesion that the copy has, by name.

        Raises:
            UserError: images are missing, extra, or differ; lists the first of each.
        """
        missing = [name for name in self.images if name not in samples]
        extra = sorted(name for name in samples if name not in self.images)
        images, masks = [], []
        for name, entry in self.images.items():
            if name in samples:
                image, own = _hashes(samples[name])
                if image != entry.sha256:
                    images.append(name)
                elif own != entry.masks:
                    masks.append(name)
        kinds = {
            "missing here": missing,
            "here but not in the manifest": extra,
            "whose image file differs": images,
            "whose mask files differ": masks,
        }
        lines = [
            f"  {len(names)} {kind}: {', '.join(names[:_LISTED])}{', ...' if len(names) > _LISTED else ''}"
            for kind, names in kinds.items()
            if names
        ]
        if lines:
            raise UserError(
                f"this copy of {self.dataset} is not the one that the manifest splits ({len(self.images)} images, hash {self.hash[:16]}):\n"
                + "\n".join(lines)
                + "\nGet the published files again, or convert without --manifest, which makes a split of this copy's own"
            )


def _hashes(sample: RawSample) -> tuple[str, tuple[str, ...]]:
    return sha256_of_file(sample.image_path), tuple(sha256_of_file(path) for path in sample.mask_paths)
