"""The images of converted sets as the audit needs them."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from ultraref.datasets.image_io import read_image
from ultraref.datasets.likeness.furniture import Furniture, find_furniture
from ultraref.datasets.likeness.view import View
from ultraref.datasets.splits import Splits


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
        size: (height, width) in pixels.
        view: what of it is compared.
    """

    dataset: str
    name: str
    part: str
    category: str | None
    patient: str | None
    path: Path
    mask_path: Path
    pixels: str
    size: tuple[int, int]
    view: View


def load_images(roots: dict[str, Splits], progress: Callable = iter) -> tuple[list[AuditImage], dict[str, Furniture]]:
    """Reads all images of converted sets, and leaves the screens of their scanners out of what is compared.

    Args:
        roots: splits by data root.
        progress: wraps the list of (root, splits, name) as it is gone through.

    Returns:
        The images in the order of the roots and of names, and the furniture of each set by its name.
    """
    jobs = [(Path(root), splits, name) for root, splits in roots.items() for name in splits.images]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(_load, *job) for job in jobs]
        try:
            images = [future.result() for _, future in zip(progress(jobs), futures)]
        finally:
            pool.shutdown(cancel_futures=True)
    furniture = {}
    for splits in roots.values():
        own = [image for image in images if image.dataset == splits.dataset]
        furniture[splits.dataset] = find_furniture(
            [image.view.picture for image in own], [image.size for image in own], [image.patient for image in own]
        )
    return [
        replace(image, view=furniture[image.dataset].view(image.view.picture, image.view.hashes, image.size))
        for image in images
    ], furniture


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
        size=image.shape,
        view=View.of(image),
    )
