"""Writes phantoms in the published layout and file names of BUSI, so that they take the converter's real path."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ultraref.errors import UserError
from ultraref.processes import follow_parent
from ultraref.testing.phantom import Phantom, make_phantom, shrink

# About the published set's shares, with fewer normals, as those are dropped.
SHARES = {"benign": 0.58, "malignant": 0.32, "normal": 0.10}
# One image in so many has two lesions, each with its own mask file.
TWO_LESIONS_EVERY = 12


def write_phantom_busi(
    dst: str | Path,
    num: int,
    seed: int = 0,
    max_side: int | None = None,
    jobs: int = 1,
    progress: Callable | None = None,
) -> dict[str, int]:
    """Writes `num` phantoms to DST/{benign,malignant,normal}/"<category> (N).png" with "_mask.png" and "_mask_1.png".

    As in the published set, images are grey or RGB, masks 8-bit or 1-bit, and normal images have a blank mask. Image N
    of a category depends on the seed, the category and N alone: more images leave the first ones as they were.

    Args:
        dst: folder, made if need be; files of the same names are overwritten.
        num: images in all, at least 10.
        seed: seed of all of them.
        max_side: images and masks with a longer side are shrunk to this one, in pixels; None leaves them as drawn. Small files are
            read faster, and networks that see few pixels lose little.
        jobs: processes that draw, at least 1; the images don't depend on it.
        progress: wraps what is gone through, one item per image: `progress(items, total=num)`, e.g. `rich.progress.track`.

    Returns:
        The number of images per category.

    Raises:
        ValueError: `num` is below 10, so that a category could be empty, `max_side` is below 32, or `jobs` below 1.
    """
    if max_side is not None and max_side < 32:
        raise UserError(f"max_side={max_side} leaves nothing of a lesion; it is None or at least 32 pixels")
    if jobs < 1:
        raise UserError(f"jobs={jobs} leaves nobody to draw; it is the number of processes, at least 1")
    if num < 10:
        raise UserError(f"a phantom set has at least 10 images, so that no category is empty; num is {num}")
    counts = {name: round(share * num) for name, share in SHARES.items()}
    counts["benign"] += num - sum(counts.values())
    order = [(category, number) for category, count in counts.items() for number in range(1, count + 1)]
    for category in counts:
        (Path(dst) / category).mkdir(parents=True, exist_ok=True)
    draw = partial(_draw, Path(dst), seed, max_side)
    with ProcessPoolExecutor(jobs, initializer=follow_parent) if jobs > 1 else nullcontext() as pool:
        written = pool.map(draw, order, chunksize=8) if pool else map(draw, order)
        for _ in progress(written, total=len(order)) if progress else written:
            pass
    return counts


def _draw(dst: Path, seed: int, max_side: int | None, job: tuple[str, int]) -> None:
    """Draws one image and writes its files."""
    category, number = job
    num_lesions = 2 if number % TWO_LESIONS_EVERY == TWO_LESIONS_EVERY // 2 else 1
    rng = np.random.default_rng([seed, list(SHARES).index(category), number])
    phantom = make_phantom(rng, category, num_lesions)
    if max_side is not None:
        phantom = shrink(phantom, max_side)
    _write(dst / category / f"{category} ({number})", number, phantom)


def _write(stem: Path, number: int, phantom: Phantom) -> None:
    image = phantom.image
    if number % 4 == 0:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    Image.fromarray(image).save(f"{stem}.png", compress_level=1)
    for index, mask in enumerate(phantom.masks or [np.zeros(phantom.image.shape, np.uint8)]):
        picture = Image.fromarray(mask * 255)
        suffix = "_mask.png" if index == 0 else f"_mask_{index}.png"
        (picture.convert("1") if number % 3 == 0 else picture).save(f"{stem}{suffix}")
