"""Which labels of a set's mask files are lesion: one needs no choice, several are never united in silence."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from ultraref.datasets.converters.choose_classes import choose_classes, describe_choice
from ultraref.datasets.converters.label_names import LabelNames
from ultraref.datasets.converters.raw_sample import Found, RawSample
from ultraref.datasets.readers.label_map import LabelMap, read_label_map
from ultraref.errors import UserError

INVERTED = ("ask", "yes", "no")
# Labels by which programs mark one lesion: 1, and white of 8 and 16 bits. They are one, as some files of a set may have the one and some
# the other.
_PLAIN = ("1", "255", "65535", "#ffffff")


@dataclass(frozen=True)
class LesionChoice:
    """What the user says of mask files.

    Attributes:
        classes: names or labels of what is lesion; None takes all that `names` names, if any.
        names: of labels.
        inverted: what to do where lesion and background have changed places in more than half of the masks: "ask" is an error that
            says how to answer, "yes" turns every mask round, "no" takes them as they are.
        skip_bad: leaves a file of several classes to the conversion, which skips and counts it.
    """

    classes: Sequence[str] | None = None
    names: LabelNames = field(default_factory=LabelNames)
    inverted: str = "ask"
    skip_bad: bool = False

    def __post_init__(self):
        if self.inverted not in INVERTED:
            raise UserError(f"inverted masks: {self.inverted!r} is no answer; it may be {', '.join(INVERTED)}")


@dataclass(frozen=True)
class MaskFacts:
    """What one mask file holds.

    Attributes:
        pixels: by label, see `LabelMap.counts`; empty where there are shades.
        entries: colours by the numbers of a palette, see `LabelMap.entries`.
        marks: the label of what is lesion by the rule of one lesion; None for a blank mask, or if the rule refuses.
        refused: whether the rule refuses the file and it has labels to choose from.
        inverted: whether the whole border and more than half of the mask are lesion.
        share: of the lesion in the mask, 0 to 1.
    """

    pixels: Mapping[str, int] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict)
    marks: str | None = None
    refused: bool = False
    inverted: bool = False
    share: float = 0.0


def with_lesion_classes(found: Found, choice: LesionChoice) -> Found:
    """Returns what was found, its samples reading the classes that are lesion from their mask files.

    All mask files are read to tell whether the set marks several classes: a file of three values or of two hues, or files that
    each mark with another one. Then the labels are listed with the number of masks that hold them, and the user must choose.

    Raises:
        UserError: the set marks several classes and none is chosen, a chosen one isn't there, or masks look inverted.
    """
    classes, names, inverted = choice.classes, choice.names, choice.inverted
    where = str(found.source) if found.source else "the masks"
    paths = sorted({path for sample in found.samples for path in sample.mask_paths})
    facts = dict(zip(paths, _read_all(paths)))
    entries = {number: colour for fact in facts.values() for number, colour in fact.entries.items()}
    labels = _count_labels(facts.values())
    wanted = [_label(name) for name in classes] if classes is not None else names.names or None
    if wanted is None:
        usable = [fact for fact in facts.values() if not (choice.skip_bad and fact.refused)]
        if any(fact.refused for fact in usable) or len({_plain(fact.marks) for fact in usable} - {None}) > 1:
            choose_classes(_count_labels(usable), None, f"{where}: masks", _flag(labels))
        _ask_whether_inverted(facts.values(), inverted, where)
        load = partial(_load_single, inverted=inverted == "yes")
        notes = [*found.notes, *["lesion and background of every mask changed places"] * (inverted == "yes")]
        return replace(found, samples=[replace(sample, load_masks=load) for sample in found.samples], notes=notes)
    if inverted == "yes":
        raise UserError(f"{where}: chosen classes say what is lesion, so that turning masks round would be wrong")
    by_name: dict[str, set[str]] = {name: set(own) for name, own in names.labels.items()}
    for label in labels:
        if not any(label in own or names.entry(own, entries, label) for own in names.labels.values()):
            by_name[label] = {label}
    by_name |= {number: {number} for number in entries if number in wanted and number not in by_name}
    counts = {name: _masks_with(own, facts.values()) for name, own in by_name.items()}
    flag = "--classes; --class-values and --class-colours give labels names"
    chosen = {name: frozenset(by_name[name]) for name in choose_classes(counts, wanted, f"{where}: masks", flag)}
    samples = [_with_class(sample, chosen, facts, names) for sample in found.samples]
    return replace(found, samples=samples, notes=[*found.notes, describe_choice(chosen, counts, "masks")])


def _label(name: str) -> str:
    return name.lower() if name.startswith("#") else name


def _flag(labels: Mapping[str, int]) -> str:
    """Returns how labels such as these are chosen; most of a label map's users know its classes by names."""
    label = next(iter(labels), "1")
    void = " (255 is void in many sets)" if {"1", "255"} <= labels.keys() else ""
    option = "--class-colours" if label.startswith("#") else "--class-values"
    return f"--classes {label}{void} or {option} NAME={label}"


def _read_all(paths: list[Path]) -> list[MaskFacts]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(_facts_of, paths))


def _facts_of(path: Path) -> MaskFacts:
    """Returns what a file holds; one that can't be read holds nothing here, and is named when it is converted."""
    try:
        label_map = read_label_map(path)
    except UserError:
        return MaskFacts()
    pixels, entries = label_map.counts or {}, label_map.entries()
    try:
        mask = label_map.lesion()
    except UserError:
        return MaskFacts(pixels, entries, refused=bool(label_map.counts))
    if not mask.any():
        return MaskFacts(pixels, entries)
    share = float(mask.mean())
    border = all(side.all() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    return MaskFacts(pixels, entries, _mark(label_map, mask), inverted=border and share > 0.5, share=share)


def _mark(label_map: LabelMap, mask: np.ndarray) -> str:
    """Returns the label of most lesion pixels: in a smoothed mask, that of the lesion's inside."""
    codes, counts = np.unique(label_map.codes[mask > 0], return_counts=True)
    if label_map.counts is None or len(label_map.counts) > 1:
        # Shades of white are white; in colour it is the hue that tells, which is that of most pixels.
        return label_map.label(codes[counts.argmax()]) if label_map.is_colour else _PLAIN[0]
    return label_map.label(codes[0])


def _plain(label: str | None) -> str | None:
    return _PLAIN[0] if label in _PLAIN else label


def _count_labels(facts) -> dict[str, int]:
    """Returns the number of masks by label, numbers in order before colours."""
    counts = Counter(label for fact in facts for label in fact.pixels)
    return {label: counts[label] for label in sorted(counts, key=lambda label: (len(label), label))}


def _masks_with(labels: set[str], facts) -> int:
    return sum(any(label in fact.pixels or label in fact.entries for label in labels) for fact in facts)


def _ask_whether_inverted(facts, inverted: str, where: str) -> None:
    shares = sorted(fact.share for fact in facts if fact.share)
    turned = sum(fact.inverted for fact in facts)
    if inverted == "ask" and 2 * turned > len(shares):
        raise UserError(
            f"{where}: masks look inverted: in {turned} of {len(shares)} the whole border is lesion, and the median lesion is "
            f"{100 * shares[len(shares) // 2]:.0f} % of its image; --inverted-masks yes turns them round, --inverted-masks no takes "
            "them as they are"
        )


def _with_class(
    sample: RawSample, chosen: Mapping[str, frozenset[str]], facts: Mapping[Path, MaskFacts], names: LabelNames
) -> RawSample:
    """Returns the sample with its classes: all are an attribute, and the one of most pixels is its class where it has none.

    A label without a name is no class.
    """
    pixels: Counter = Counter()
    for path in sample.mask_paths:
        fact = facts[path]
        for name, labels in chosen.items():
            own = {fact.entries.get(label, label) for label in labels}
            pixels[name] += sum(fact.pixels.get(label, 0) for label in own)
    present = [name for name in chosen if pixels[name]]
    attributes = dict(sample.attributes)
    category = sample.category
    if present:
        attributes["lesion_classes"] = "+".join(present)
        named = [name for name in present if name in names.labels]
        category = category or _lower(max(named, key=lambda name: pixels[name], default=None))
    labels = frozenset().union(*chosen.values())
    return replace(sample, category=category, attributes=attributes, load_masks=partial(_load_labels, labels=labels))


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _load_labels(sample: RawSample, labels: frozenset[str]) -> tuple[list[np.ndarray], str | None]:
    return [read_label_map(path).is_label(labels) for path in sample.mask_paths], sample.category


def _load_single(sample: RawSample, inverted: bool) -> tuple[list[np.ndarray], str | None]:
    masks = [read_label_map(path).lesion() for path in sample.mask_paths]
    return [1 - mask for mask in masks] if inverted else masks, sample.category
