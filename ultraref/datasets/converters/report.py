"""What a conversion found, kept and dropped, next to the counts of the reference."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field

import numpy as np

from ultraref.datasets.converters.describe_duplicates import describe_duplicates, describe_large_groups
from ultraref.datasets.converters.prepare import Prepared
from ultraref.datasets.splits import Splits

# Training, test and all images by the reference's table. Shown beside what was found, never asserted: its row of
# BUS-UCLM is the size of UDIAT, and published archives change.
REFERENCE_COUNTS = {
    "busi": (518, 129, 647),
    "busbra": (1500, 375, 1875),
    "bus": (450, 112, 562),
    "bus_uc": (765, 191, 956),
    "bus_uclm": (130, 33, 163),
}
# An image whose brightest pixel is below this, of 255, shows nothing.
_DARK = 16


@dataclass
class ConversionReport:
    """What became of a set.

    Attributes:
        dataset: name of the set.
        found: images found with a mask.
        kept: images written.
        blank: names of the images without a lesion.
        normals: those of them that are part of the set, per part; nothing where they were dropped.
        torn_normals: names of those that were left out, as they belong to groups that lie in several parts.
        merged: names of the images with several masks that hold a lesion, whose union was taken.
        inverted: names of the images over 90 % of which is lesion, the whole border included.
        bits: depth that was taken for images of more than 8 bits; None where there are none.
        dark: names of the images without a pixel of 16 or more of 255.
        resized: names of the images whose mask was resized.
        bad: one message for each defect that was skipped.
        missing: one message for each image that was missing and skipped.
        contradictions: one message for each image of which the set's table and the files disagree; what the table says there is
            not used.
        left_out: one message for each file that is no part of the set.
        notes: what a converter says besides, a line each.
        classes: kept images per class.
        heights, widths: smallest, median and largest, in pixels.
        lesion_percent: smallest, median and largest share of the image, in percent.
        components: images per number of connected lesion parts.
        num_groups: groups of more than one image.
        num_grouped: images in those groups.
        grouping: how groups were found, in words.
        grouped: whether no group lies in two parts.
        parts: kept images per part, "test" or "fold K".
        splits_hash: hash of the split.
        duplicates: how near-duplicates were found, large groups of them among it; see `grouping.Groups`.
    """

    dataset: str
    found: int
    kept: int = 0
    blank: list[str] = field(default_factory=list)
    normals: dict[str, int] = field(default_factory=dict)
    torn_normals: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    inverted: list[str] = field(default_factory=list)
    bits: int | None = None
    dark: list[str] = field(default_factory=list)
    resized: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    classes: dict[str, int] = field(default_factory=dict)
    heights: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    lesion_percent: list[float] = field(default_factory=list)
    components: dict[str, int] = field(default_factory=dict)
    num_groups: int = 0
    num_grouped: int = 0
    grouping: str = ""
    grouped: bool = True
    parts: dict[str, int] = field(default_factory=dict)
    splits_hash: str = ""
    duplicates: dict = field(default_factory=dict)

    def summarise(self, prepared: dict[str, Prepared], splits: Splits) -> None:
        """Fills in everything that follows from the images and the split."""
        kept = [item for item in prepared.values() if item.lesion_area]
        self.kept = len(kept)
        self.contradictions = [
            f"{item.sample.name}: {message}" for item in prepared.values() for message in item.contradictions.values()
        ]
        self.blank = [item.sample.name for item in prepared.values() if not item.lesion_area]
        self.merged = [item.sample.name for item in kept if item.merged]
        self.inverted = [item.sample.name for item in kept if item.inverted]
        self.dark = [item.sample.name for item in kept if item.brightest < _DARK]
        self.resized = [item.sample.name for item in prepared.values() if item.resized]
        self.classes = _counts(str(item.category) for item in kept)
        self.heights, self.widths = (_spread([item.size[axis] for item in kept]) for axis in (0, 1))
        # Whole parts per million, so that the text is alike on every machine.
        self.lesion_percent = [value / 10**4 for value in _spread([item.lesion_parts_per_million for item in kept])]
        self.components = _counts(str(item.components) for item in kept)
        lesions = [entry for entry in splits.images.values() if not entry.normal]
        sizes = [size for size in Counter(entry.group for entry in lesions).values() if size > 1]
        self.num_groups, self.num_grouped = len(sizes), sum(sizes)
        self.grouping, self.grouped = splits.grouping, splits.grouped
        self.parts, self.normals = (
            _counts(
                "test" if e.fold is None else f"fold {e.fold}" for e in splits.images.values() if e.normal == normal
            )
            for normal in (False, True)
        )
        self.splits_hash = splits.hash

    def to_json(self) -> str:
        """Returns the text of report.json."""
        return json.dumps({**asdict(self), "reference": REFERENCE_COUNTS.get(self.dataset)}, indent=1) + "\n"

    def __str__(self) -> str:
        test = self.parts.get("test", 0)
        lines = [
            *describe_large_groups(self.duplicates.get("large_groups", [])),
            f"{self.dataset}: {self.found} images found, {self.kept} kept, {self._describe_blank()}, "
            f"{len(self.merged)} with several masks merged, {len(self.resized)} masks resized, "
            f"{len(self.bad)} defects skipped, {len(self.missing)} missing images skipped, {len(self.left_out)} files left out",
            f"here: {self.kept - test} training + {test} test = {self.kept}",
        ]
        if self.dataset in REFERENCE_COUNTS:
            training, tested, total = REFERENCE_COUNTS[self.dataset]
            lines.append(f"reference: {training} training + {tested} test = {total}")
        lines += [
            "classes: " + _listed(self.classes),
            "height: {} to {} px, median {}".format(*_low_high_middle(self.heights)),
            "width: {} to {} px, median {}".format(*_low_high_middle(self.widths)),
            "lesion: {:.2f} to {:.2f} % of the image, median {:.2f} %".format(*_low_high_middle(self.lesion_percent)),
            "images by lesion parts: " + ", ".join(f"{parts}: {count}" for parts, count in self.components.items()),
            f"grouping: {self.grouping}; {self.num_groups} groups of more than one image, {self.num_grouped} images in "
            "them" + ("" if self.grouped else "; UNGROUPED: duplicates or patients may lie in several parts"),
            *describe_duplicates(self.duplicates),
            "parts: " + _listed(self.parts),
            *([f"normals: {_listed(self.normals)}"] if self.normals else []),
            f"splits hash: {self.splits_hash[:16]}",
        ]
        if not test:
            lines.append(
                "no test part: report by cross-validation, each fold's model on the fold that it held out (docs/how-to/prepare-data.md)"
            )
        if self.bits is not None:
            lines.append(
                f"depth: images of more than 8 bits were taken as {self.bits} bits, by the largest value of the set"
            )
        if self.inverted:
            lines.append(
                f"QUESTION: are masks inverted? Over 90 % of the image and its whole border are lesion in {len(self.inverted)} "
                f"images: {_shortened(self.inverted)}; see montage.png"
            )
        if self.dark:
            lines.append(
                f"QUESTION: are these images whole? No pixel of {len(self.dark)} reaches {_DARK} of 255, as of images of 8 bits among "
                f"deeper ones: {_shortened(self.dark)}"
            )
        if self.torn_normals:
            lines.append(
                f"normals left out, as images of their group lie in several parts: {_shortened(self.torn_normals)}"
            )
        if self.contradictions:
            lines.append(
                f"{len(self.contradictions)} values of the set's table contradict the files, and are not used: "
                f"{_shortened(self.contradictions, '; ')}"
            )
        lines += self.notes
        lines += [f"missing image skipped: {message}" for message in self.missing]
        lines += [f"defect skipped: {message}" for message in self.bad]
        return "\n".join(lines + [f"left out: {message}" for message in self.left_out])

    @property
    def is_whole(self) -> bool:
        """Whether nothing that belongs to the set was skipped."""
        return not self.bad and not self.missing

    def _describe_blank(self) -> str:
        kept = sum(self.normals.values())
        if not kept:
            return f"{len(self.blank)} without a lesion dropped"
        return f"{kept} of {len(self.blank)} without a lesion kept as normals"


def _shortened(messages: list[str], separator: str = ", ", most: int = 10) -> str:
    return separator.join(messages[:most]) + (f"{separator}..." if len(messages) > most else "")


def _counts(values) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _spread(values: list[int]) -> list[int]:
    """Returns the smallest, the lower median and the largest, which are whole numbers like the values."""
    ordered = np.sort(values)
    return [int(ordered[0]), int(ordered[(len(ordered) - 1) // 2]), int(ordered[-1])]


def _low_high_middle(spread: list) -> tuple:
    low, middle, high = spread
    return low, high, middle


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
