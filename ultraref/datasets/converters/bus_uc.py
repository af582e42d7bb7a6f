"""The published layout of BUS_UC (Iqbal, Mendeley Data, 2023): All/, Benign/ and Malignant/ with images/ and masks/."""

from dataclasses import replace
from pathlib import Path

from ultraref.datasets.converters.bus import find_image_and_mask_folders
from ultraref.datasets.converters.layout import find_root, list_images, resolve
from ultraref.datasets.converters.raw_sample import Found, normalise_name

CATEGORIES = ("Benign", "Malignant")


def find_bus_uc(src: str | Path) -> Found:
    """Finds SRC/All/images/NAME.png and SRC/All/masks/NAME.png; the class is the folder that holds NAME, too.

    The folders may lie one level deeper. An image that lies in Benign/ and in Malignant/ is a defect.

    Raises:
        FileNotFoundError: there is no such folder, or All/images and All/masks aren't in it.
    """
    found = find_image_and_mask_folders(src, "All/images", "All/masks", "BUS_UC")
    root = find_root(src, ("All/images", "All/masks"), "BUS_UC")["All/images"].parents[1]
    classes: dict[str, list[str]] = {}
    for category in CATEGORIES:
        folder = resolve(root, f"{category}/images")
        for path in list_images(folder)[0] if folder else []:
            classes.setdefault(normalise_name(path.stem), []).append(category.lower())
    samples = []
    for sample in found.samples:
        categories = classes.get(sample.name, [])
        if len(set(categories)) > 1:
            found.bad.append(f"{sample.image_path}: lies in {' and '.join(CATEGORIES)}; remove it from one")
        else:
            samples.append(replace(sample, category=categories[0] if categories else None))
    return replace(found, samples=samples)
