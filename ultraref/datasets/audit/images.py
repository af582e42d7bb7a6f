"""The images of converted sets as the audit needs them."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ultraref.datasets.audit.registration import local_contrast
from ultraref.datasets.converters.duplicates import perceptual_hash
from ultraref.datasets.image_io import read_image
from ultraref.datasets.splits import Splits

# Axes that are reversed. The order is that of `AuditImage.hashes`.
FLIPS = {"": (), "left-right": (1,), "up-down": (0,), "both": (0, 1)}


@dataclass(frozen=True)
class AuditImage:
    """One image.

    Attributes:
        dataset: name of the set.
        name: name of the image.
        part: "test" or "fold K".
        category, patient: as in splits.json.
        path, mask_path: its files.
        pixels: sha256 of the pixels of the image, mask aside.
        hashes: (4, 256) bool perceptual hashes of the image flipped in the ways of FLIPS.
        contrast: `local_contrast` of the image.
    """

    dataset: str
    name: str
    part: str
    category: str | None
    patient: str | None
    path: Path
    mask_path: Path
    pixels: str
    hashes: np.ndarray
    contrast: np.ndarray


def load_images(roots: dict[str, Splits], progress: Callable = iter) -> list[AuditImage]:
    """Reads all images of converted sets.

    Args:
        roots: splits by data root.
        progress: wraps the list of (root, splits, name) as it is gone through.

    Returns:
        The images in the order of the roots and of names.
    """
    jobs = [(Path(root), splits, name) for root, splits in roots.items() for name in splits.images]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(_load, *job) for job in jobs]
        try:
            return [future.result() for _, future in zip(progress(jobs), futures)]
        finally:
            pool.shutdown(cancel_futures=True)


def _load(root: Path, splits: Splits, name: str) -> AuditImage:
    entry = splits.images[name]
    path, mask_path = (root / entry.split / kind / f"{name}.png" for kind in ("images", "masks"))
    image = read_image(path)
    return AuditImage(
        dataset=splits.dataset,
        name=name,
        part="test" if entry.fold is None else f"fold {entry.fold}",
        category=entry.category,
        patient=entry.patient,
        path=path,
        mask_path=mask_path,
        pixels=hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest(),
        hashes=np.stack([perceptual_hash(np.ascontiguousarray(np.flip(image, axes))) for axes in FLIPS.values()]),
        contrast=local_contrast(image),
    )
