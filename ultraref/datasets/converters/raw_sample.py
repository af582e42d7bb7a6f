"""What a converter finds in a published set."""

import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ultraref.datasets.converters.stated_geometry import StatedGeometry
from ultraref.datasets.image_io import read_image, read_mask
from ultraref.names import is_word


def read_image_file(sample: "RawSample", bits: int | None = None) -> np.ndarray:
    """Reads the sample's image file, (H, W) uint8; `bits` is the depth of more than 8 bits, see `image_io.decode_image`."""
    return read_image(sample.image_path, bits)


def read_mask_files(sample: "RawSample") -> tuple[list[np.ndarray], str | None]:
    """Reads the sample's mask files; returns the masks, (H, W) uint8 in {0, 1}, and the class it already has."""
    return [read_mask(path) for path in sample.mask_paths], sample.category


@dataclass(frozen=True)
class RawSample:
    """An image and its mask.

    Attributes:
        name: sortable name without suffix, unique in the set, which the converted files get.
        image_path: the image.
        mask_paths: its mask files, whose union is the lesion mask.
        category: the set's own class, e.g. "benign"; None where it has none, or where only the mask tells.
        patient: whom the image is of; None where the set doesn't say.
        fold: the set's official fold, from 0 up, "test", or "train" for a training image of no fold, which is dealt to those that no
            image names (`given_parts`); None where none is wanted.
        load_masks: sample -> (masks, class); for sets whose masks aren't plain files or tell the class.
        load_image: (sample, bits) -> image, (H, W) uint8; for sets whose images are frames or parts of files.
        study: the examination that the image is of.
        side: the breast, "left" or "right".
        video: the cine loop that the image is a frame of; the frames of one video are one group, which no split parts.
        frame: the number of the frame in its video, from 0 up.
        spacing: millimetres between pixel centres, (row, column), of the image as it is read.
        spacing_source: where the spacing comes from, in words; None where there is no spacing.
        attributes: any further column of the source, by its name: device, birads, histology, ... A dict pickles, which a
            mapping proxy doesn't; it isn't part of the hash, and is not to be changed.
        stated: the image's size and the lesion's box by the set's table, which are held against the files.
    """

    name: str
    image_path: Path
    mask_paths: tuple[Path, ...] = ()
    category: str | None = None
    patient: str | None = None
    fold: int | str | None = None
    load_masks: Callable[["RawSample"], tuple[list[np.ndarray], str | None]] = read_mask_files
    study: str | None = None
    side: str | None = None
    video: str | None = None
    frame: int | None = None
    spacing: tuple[float, float] | None = None
    spacing_source: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    stated: StatedGeometry | None = None
    load_image: Callable[["RawSample", int | None], np.ndarray] = read_image_file


@dataclass
class Found:
    """What a folder holds.

    Attributes:
        samples: the images with their masks, sorted by name.
        left_out: one message for each file that is no part of the set, or is an image without a mask.
        bad: one message for each defect that a person should look at. Conversion stops at them, or counts them on
            demand; the images they concern are not among the samples.
        together: pairs of names known to be of one patient or lesion; names that aren't there are passed over.
        source: the folder; messages in reports are relative to it.
        notes: what the report says besides, a line each.
        missing: one message for each image that a table, a list or an annotation file names, and that isn't there. Conversion
            stops at them, or leaves them out and counts them on demand.
        public_names: by path as a text, what report and table call a file whose own path may say who the patient is.
    """

    samples: list[RawSample]
    left_out: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    together: list[tuple[str, str]] = field(default_factory=list)
    source: Path | None = None
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    public_names: Mapping[str, str] = field(default_factory=dict)

    def public(self, message: str) -> str:
        """Returns a message as a report may hold it: with public names, and paths relative to the source."""
        if self.source is None:
            return message
        prefix = f"{self.source}{os.sep}"
        done, rest = "", message
        while (start := rest.find(prefix)) >= 0:
            # The longest path that stands here: one may be the beginning of another.
            ends = range(len(rest), start + len(prefix), -1) if self.public_names else ()
            end = next((end for end in ends if rest[start:end] in self.public_names), start + len(prefix))
            done += rest[:start] + self.public_names.get(rest[start:end], "")
            rest = rest[end:]
        return done + rest


def normalise_name(stem: str) -> str:
    """Returns a name that sorts as a person would: "Benign (7)" becomes "benign_0007".

    Lower case, in Unicode's composed form; each number is filled up to four digits; what is neither letter (of any script, with its
    marks), digit nor minus becomes one underscore. A name of nothing else is empty, which `convert` refuses.
    """
    lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFC", stem).lower())
    padded = re.sub(r"\d+", lambda match: _plain_digits(match.group()).zfill(4), lowered)
    kept = "".join(character if character == "-" or is_word(character) else "_" for character in padded)
    return re.sub(r"_+", "_", kept).strip("_")


def _plain_digits(number: str) -> str:
    return "".join(str(unicodedata.decimal(digit)) for digit in number)
