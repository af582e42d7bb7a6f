"""The published layout of BUSI (Al-Dhabyani et al., "Dataset of breast ultrasound images", Data in Brief 28, 2020)."""

import re
from pathlib import Path

from ultraref.datasets.converters.layout import drop_same_names, find_root, list_images
from ultraref.datasets.converters.raw_sample import Found, RawSample, normalise_name

CATEGORIES = ("benign", "malignant", "normal")
_MASK = re.compile(r"(?P<stem>.+)_mask(?:_(?P<number>\d+))?", re.IGNORECASE)
# Images of one lesion that are zoomed, turned or shifted against each other so far that the perceptual hash doesn't
# show it (distance above 76 of 256). The audit found them with candidates up to 104; each was checked by eye.
_SAME_LESION = {
    "benign": [(62, 140), (125, 126), (204, 206), (244, 245), (343, 361), (433, 435)],
    "malignant": [
        (3, 4), (4, 7), (4, 8), (4, 9), (5, 7), (5, 8), (5, 9), (39, 40), (65, 66), (80, 81), (93, 94), (95, 96),
        (106, 107), (120, 122), (128, 129), (139, 207), (184, 202),
    ],
}  # fmt: skip
# (benign, malignant): one lesion in two classes.
_SAME_LESION_TWO_CLASSES = [(333, 78), (406, 93), (435, 145)]


def find_busi(src: str | Path) -> Found:
    """Finds the images of BUSI and their masks.

    SRC/benign/"benign (1).png" has "benign (1)_mask.png" and, for further lesions, "benign (1)_mask_1.png" and so on;
    likewise malignant and normal. The three folders may lie one level deeper.

    Raises:
        FileNotFoundError: there is no such folder, or the three folders aren't in it.
    """
    folders = find_root(src, CATEGORIES, "BUSI")
    samples, left_out = [], []
    for category, folder in folders.items():
        files, strays = list_images(folder, (".png",))
        left_out += strays
        images, masks = [], {}
        for path in files:
            match = _MASK.fullmatch(path.stem)
            if match is None:
                images.append(path)
            else:
                masks.setdefault(match["stem"].lower(), []).append((int(match["number"] or 0), path))
        stems = {path.stem.lower() for path in images}
        left_out += [f"{path}: a mask without an image" for stem in masks.keys() - stems for _, path in masks[stem]]
        for path in images:
            if path.stem.lower() not in masks:
                left_out.append(f"{path}: an image without a mask")
                continue
            its_masks = tuple(mask for _, mask in sorted(masks[path.stem.lower()]))
            samples.append(RawSample(normalise_name(path.stem), path, its_masks, category))
    samples, bad = drop_same_names(samples)
    return Found(samples, sorted(left_out), bad, _known_pairs(), Path(src))


def _known_pairs() -> list[tuple[str, str]]:
    pairs = [(c, first, c, second) for c, numbers in _SAME_LESION.items() for first, second in numbers]
    pairs += [("benign", first, "malignant", second) for first, second in _SAME_LESION_TWO_CLASSES]
    return [(f"{a}_{first:04d}", f"{b}_{second:04d}") for a, first, b, second in pairs]
