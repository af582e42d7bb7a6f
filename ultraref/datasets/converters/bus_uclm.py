"""The published layout of BUS-UCLM: images/NAME.png and masks/NAME.png, where green is benign, red malignant.

Vallez et al., "BUS-UCLM: Breast ultrasound lesion segmentation dataset", Scientific Data 12, 2025.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ultraref.datasets.converters.bus import find_image_and_mask_folders
from ultraref.datasets.converters.raw_sample import Found, RawSample
from ultraref.datasets.readers.mask_rule import to_mask
from ultraref.datasets.readers.open_source import open_source
from ultraref.errors import UserError

# All images are of one scanner, as the paper says.
DEVICE = "Siemens ACUSON S2000"
# What the channel must be brighter than the other ones, of 255. JPEG compression moves colours by less.
_CONTRAST = 64


def find_bus_uclm(src: str | Path) -> Found:
    """Finds SRC/images/NAME.png and SRC/masks/NAME.png; the patient is what stands before the first "_" of NAME.

    The folders may lie one level deeper. Blank masks are normals.

    Raises:
        FileNotFoundError: there is no such folder, or the two folders aren't in it.
    """
    found = find_image_and_mask_folders(src, "images", "masks", "BUS-UCLM")
    samples = [
        replace(
            sample,
            patient=sample.image_path.stem.split("_")[0].lower(),
            load_masks=read_coloured_mask,
            attributes={"device": DEVICE},
        )
        for sample in found.samples
    ]
    return replace(found, samples=samples)


def read_coloured_mask(sample: RawSample) -> tuple[list[np.ndarray], str]:
    """Returns the lesion mask, (H, W) uint8 in {0, 1}, and "benign", "malignant" or "normal" by its colour.

    An image with lesions of both colours is malignant.

    Raises:
        ValueError: the file can't be read, or more than the edge of a lesion is neither green nor red.
    """
    (path,) = sample.mask_paths
    with open_source(path) as source:
        values = source.values()
    mask = to_mask(values, path)
    if not mask.any():
        return [mask], "normal"
    colour = values[:, :, :3] if values.ndim == 3 else np.dstack([values] * 3)
    red, green, blue = (channel[mask > 0].astype(int) for channel in np.moveaxis(colour, 2, 0))
    is_green = green - np.maximum(red, blue) >= _CONTRAST
    is_red = red - np.maximum(green, blue) >= _CONTRAST
    # Where two anti-aliased lesions touch, a few pixels are brown.
    if (is_green | is_red).mean() < 0.9:
        raise UserError(
            f"{path}: {100 * (~(is_green | is_red)).mean():.0f} % of the lesion are neither green (benign) nor red "
            "(malignant)"
        )
    return [mask], "malignant" if is_red.mean() >= 0.05 else "benign"
