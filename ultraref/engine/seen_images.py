"""Which images of a data set a model was trained on: the same files, and copies of them."""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from mmengine.logging import print_log
from torch import nn

from ultraref import provenance
from ultraref.datasets.fingerprints import Fingerprints, fingerprints_of, read_seen_images
from ultraref.engine.seen_copies import Copies, find_copies, needs_hashes
from ultraref.errors import UserError

# Images that a message names.
SHOWN = 5


@dataclass(frozen=True)
class Seen:
    """What was found.

    Attributes:
        names: of the images that any part was trained on, as `image_hashes` and, of copies, `Copies` have them.
        by_source: for each source what it was trained on, in words: names, and of copies what they are copies of.
        notes: what may be a copy and can't be told.
    """

    names: frozenset[str]
    by_source: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]

    def describe(self) -> str:
        """Returns a line for each source, with the first few images."""
        lines = []
        for source, told in self.by_source.items():
            more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
            lines.append(f"{source}: {', '.join(told[:SHOWN])}{more}")
        return "\n  ".join(lines)


def find_seen(model: nn.Module, dataset) -> Seen:
    """Looks for images of a data set that a part of a model was trained on, by what is noted on the parts (`ultraref.provenance`).

    As a test does: by the sha256 of the files, and where the images are of another split than the trained ones by perceptual hashes,
    which finds copies that were resized, recoded, cropped, mirrored or renamed. What can't be told is logged.

    Raises:
        UserError: the hashes in a checkpoint are damaged.
    """
    fingerprints, notes = loaded_fingerprints(model)
    seen = seen_of(image_hashes(dataset), provenance.collect(model), copies_by_source(fingerprints, dataset))
    for note in (*notes, *seen.notes):
        print_log(note, logger="current", level=logging.WARNING)
    return seen


def seen_of(images: Mapping[str, str], trained: Mapping[str, Collection[str]], copies: Mapping[str, Copies]) -> Seen:
    """Puts together what the files' sha256 and the search for copies say.

    Args:
        images: name -> sha256 of the images that are asked about (`image_hashes`).
        trained: sha256 of the images that a source was trained on, by source.
        copies: of the same images, by source.
    """
    by_source, all_names, notes = {}, set(), []
    for source in dict.fromkeys([*trained, *copies]):
        names = sorted(name for name, digest in images.items() if digest in trained.get(source, ()))
        told = list(names)
        if source in copies:
            exact = {name.split(":", 1)[-1] for name in names}
            further = {name: of for name, of in copies[source].seen.items() if name.split("/", 1)[-1] not in exact}
            told += [f"{name} (a copy of {of})" for name, of in sorted(further.items())]
            names += further
            notes += _of_unconfirmed(source, copies[source].unconfirmed)
        all_names.update(names)
        if told:
            by_source[source] = tuple(told)
    return Seen(frozenset(all_names), by_source, tuple(notes))


def copies_by_source(sources: Mapping[str, list[Fingerprints]], dataset) -> dict[str, Copies]:
    """Returns what of a data set is a copy of what each source was trained on.

    A source that was trained on images of the data set's own split alone is left out; where all are, no image is read.
    """
    own = list(parts_of(dataset))
    others = {
        source: seen
        for source, seen in sources.items()
        if any(needs_hashes(seen, name, splits) for name, splits in own)
    }
    evaluated = fingerprints_of(dataset) if others else []
    return {source: find_copies(seen, evaluated) for source, seen in others.items()}


def loaded_fingerprints(model: nn.Module) -> tuple[dict[str, list[Fingerprints]], list[str]]:
    """Returns the fingerprints that the checkpoints in a model carry, by path, and notes of those that carry none.

    Raises:
        UserError: they are damaged; what was trained on must not pass for unseen.
    """
    found, notes, trained = {}, [], provenance.collect(model)
    for path, record in provenance.collect_seen_images(model).items():
        if record is not None:
            try:
                found[path] = read_seen_images(record)
            except ValueError as error:
                raise UserError(f"{path}: {error}; get the checkpoint again") from error
        elif trained.get(path):
            notes.append(
                f"{path} was written by an older version, without perceptual hashes: of the images that it was trained on "
                "only equal files are recognised, not copies of another size or format"
            )
    return found, notes


def parts_of(dataset) -> Iterator[tuple[str, str | None]]:
    """Yields name and splits' hash of a data set that has them, or of the parts of a concatenated one."""
    if hasattr(dataset, "datasets"):
        for part in dataset.datasets:
            yield from parts_of(part)
    elif hasattr(dataset, "dataset_name"):
        splits = getattr(dataset, "splits", None)
        yield dataset.dataset_name, None if splits is None else splits.hash


def image_hashes(dataset) -> Mapping[str, str]:
    """Returns name -> sha256 of the images of a data set, or of the parts of a concatenated one.

    A data set without `image_hashes` gives none and a warning: what it holds can't be checked.
    """
    if hasattr(dataset, "image_hashes"):
        return dataset.image_hashes
    if hasattr(dataset, "datasets"):
        return {f"{i}:{name}": h for i, part in enumerate(dataset.datasets) for name, h in image_hashes(part).items()}
    print_log(
        f"{type(dataset).__name__} has no `image_hashes`: whether its images were trained on can't be checked",
        logger="current",
        level=logging.WARNING,
    )
    return {}


def _of_unconfirmed(source: str, unconfirmed: Mapping[str, str]) -> Iterator[str]:
    if unconfirmed:
        listed = ", ".join(f"{name} of {of}" for name, of in sorted(unconfirmed.items())[:SHOWN])
        yield (
            f"{len(unconfirmed)} images may be copies of what {source} was trained on ({listed}, ...): their perceptual hashes are near, "
            "and the trained images are not here to compare them with"
        )
