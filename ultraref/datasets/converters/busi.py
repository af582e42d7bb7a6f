"""The published layout of BUSI (Al-Dhabyani et al., "Dataset of breast ultrasound images", Data in Brief 28, 2020)."""

import re
from pathlib import Path

from ultraref.datasets.converters.raw_sample import RawSample, normalise_name

CATEGORIES = ("benign", "malignant", "normal")
_MASK = re.compile(r"(?P<stem>.+)_mask(?:_(?P<number>\d+))?", re.IGNORECASE)


def find_busi(src: str | Path) -> tuple[list[RawSample], list[str]]:
    """Finds the images of BUSI and their masks.

    SRC/benign/"benign (1).png" has "benign (1)_mask.png" and, for further lesions, "benign (1)_mask_1.png" and so on;
    likewise malignant and normal. The three folders may lie one level deeper.

    Returns:
        The samples, sorted by name, and one message for each file that is left out.

    Raises:
        FileNotFoundError: there is no such folder, or the three folders aren't in it.
        ValueError: two images get the same name.
    """
    root = _find_root(Path(src))
    samples, left_out = {}, []
    for category in CATEGORIES:
        images, masks = {}, {}
        for path in sorted((root / category).iterdir()):
            if path.suffix.lower() != ".png":
                left_out.append(f"{path}: not a PNG")
                continue
            match = _MASK.fullmatch(path.stem)
            if match is None:
                images[path.stem] = path
            else:
                masks.setdefault(match["stem"], []).append((int(match["number"] or 0), path))
        left_out += [
            f"{path}: a mask without an image" for stem in masks.keys() - images.keys() for _, path in masks[stem]
        ]
        for stem, path in images.items():
            if stem not in masks:
                left_out.append(f"{path}: an image without a mask")
                continue
            name = normalise_name(stem)
            if name in samples:
                raise ValueError(f"{path} and {samples[name].image_path} both get the name {name!r}; rename one")
            samples[name] = RawSample(name, path, tuple(mask for _, mask in sorted(masks[stem])), category)
    return [samples[name] for name in sorted(samples)], sorted(left_out)


def _find_root(src: Path) -> Path:
    if not src.is_dir():
        raise FileNotFoundError(f"{src}: no such folder; give the folder that holds {', '.join(CATEGORIES)}")
    for root in (src, *sorted(path for path in src.iterdir() if path.is_dir())):
        if all((root / category).is_dir() for category in CATEGORIES):
            return root
    raise FileNotFoundError(f"{src}: neither it nor a folder in it holds the folders {', '.join(CATEGORIES)} of BUSI")
