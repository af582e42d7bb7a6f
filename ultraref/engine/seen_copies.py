"""Copies of images that a model was trained on, among those that it is to be judged on: resized, recoded, cropped, renamed.

The sha256 of a file finds none of these. So a checkpoint carries perceptual hashes (`ultraref.datasets.fingerprints`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ultraref.datasets.fingerprints import Fingerprints, view_of_file
from ultraref.datasets.likeness.confidence import Unrelated, is_confident
from ultraref.datasets.likeness.perceptual_hash import FLIPS, hash_distances
from ultraref.datasets.likeness.view import View, compare
from ultraref.defaults import DUPLICATE_DISTANCE

# Copies that differ in no more bits are taken for that without another look: on BUSI the 147 pairs up to here correlate by 0.84
# or more, and unrelated images lie 80 bits and more apart. Mirrored copies must be nearer.
SURE_DISTANCE, SURE_MIRRORED = 40, 24
_MIRRORED_BITS = 16
# Of one set and name, what differs in no more bits is the same: strangers that share a name, as of two folders called `clinic`, differ in
# 125 +- 9.
SAME_NAME_DISTANCE = 90
# Trained images that one evaluated image is registered with, the nearest ones.
_REGISTRATIONS = 3
# Bits in which two versions of the libraries may hash a file differently.
_SAME_FILE = 4


@dataclass(frozen=True)
class Copies:
    """What was found.

    Attributes:
        seen: "set/name" of the trained image by "set/name" of the evaluated one.
        unconfirmed: likewise, where the hashes are near but the trained image isn't here to compare with.
    """

    seen: dict[str, str]
    unconfirmed: dict[str, str]


def find_copies(trained: Iterable[Fingerprints], evaluated: Sequence[Fingerprints]) -> Copies:
    """Looks for copies.

    Images of one split, which the same splits.json gave out, are not compared: its groups say what belongs together, every
    result says if it has none, and the files' sha256 tell an image that was trained on.

    An image is a copy of a trained one if both have the same set and name and hashes that don't contradict it, or if the hashes
    differ in at most SURE_DISTANCE bits, or in up to DUPLICATE_DISTANCE and registration confirms it.

    Args:
        trained: of the images that a model was trained on.
        evaluated: of the images that it is to be judged on, with views.
    """
    copies = Copies({}, {})
    for seen in trained:
        for own in evaluated:
            if len(seen.names) and not (
                seen.dataset == own.dataset and seen.splits is not None and seen.splits == own.splits
            ):
                _compare(seen, own, copies)
    return copies


def needs_hashes(trained: Iterable[Fingerprints], dataset: str, splits: str | None) -> bool:
    """Whether anything was trained on that isn't of this very split."""
    return any(not (seen.dataset == dataset and splits is not None and seen.splits == splits) for seen in trained)


def _compare(seen: Fingerprints, own: Fingerprints, copies: Copies) -> None:
    distances = np.stack(
        [hash_distances(np.stack([view.hashes[flip] for view in own.views]), seen.hashes) for flip in range(len(FLIPS))]
    )
    place = {name: index for index, name in enumerate(seen.names)} if seen.dataset == own.dataset else {}
    limits = np.array([DUPLICATE_DISTANCE - _MIRRORED_BITS * bool(flip) for flip in FLIPS])
    sure = np.array([SURE_MIRRORED if flip else SURE_DISTANCE for flip in FLIPS])
    for index, name in enumerate(own.names):
        key, same = f"{own.dataset}/{name}", place.get(name)
        near = distances[:, index] - limits[:, None]
        if same is not None and distances[0, index, same] <= SAME_NAME_DISTANCE:
            copies.seen[key] = f"{seen.dataset}/{seen.names[same]}"
            continue
        flips, images = np.nonzero(near <= 0)
        for order in np.argsort(near[flips, images], kind="stable")[:_REGISTRATIONS]:
            flip, other = int(flips[order]), int(images[order])
            told = f"{seen.dataset}/{seen.names[other]}"
            is_sure = distances[flip, index, other] <= sure[flip]
            verdict = True if is_sure else _confirm(own.views[index], seen, other, list(FLIPS)[flip])
            if verdict:
                copies.seen[key] = told
                break
            if verdict is None:
                copies.unconfirmed.setdefault(key, told)
        if key in copies.seen:
            copies.unconfirmed.pop(key, None)


def _confirm(view: View, seen: Fingerprints, index: int, flip: str) -> bool | None:
    """Whether registration says that a view shows a trained image; None where that isn't here."""
    path = seen.path(seen.names[index])
    if path is None:
        return None
    trained = view_of_file(path)
    # Of screenshots only the tissue was hashed, and a file that has changed since is not what was trained on.
    if view.valid is not None or (trained.hashes[0] != seen.hashes[index]).sum() > _SAME_FILE:
        return None
    return is_confident(Unrelated().score(compare(trained, view, flip)), flip)
