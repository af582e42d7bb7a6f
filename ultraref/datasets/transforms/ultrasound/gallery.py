"""A picture of what the augmentations do, to judge by eye whether their ranges suit one's images."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ultraref.datasets.image_io import read_image, read_mask
from ultraref.defaults import SHOWN_AUGMENTATIONS
from ultraref.errors import MissingFileError
from ultraref.registry import TRANSFORMS

_MARGIN, _CAPTION = 4, 18
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def augmentation_sheet(
    samples: Sequence[tuple[np.ndarray, np.ndarray | None]],
    transforms: Sequence[str | dict] = SHOWN_AUGMENTATIONS,
    columns: int = 5,
    tile: int = 160,
    seed: int = 0,
) -> np.ndarray:
    """Draws one row for each transform: an image as it is, then the same image as it comes out, drawn anew each time.

    Args:
        samples: (image, mask) of each sample, (H, W) uint8 grey and {0, 1}; the mask, whose outline is drawn in white,
            may be None. Row r shows sample r, and begins anew where there are fewer.
        transforms: names or configs; `prob` is set to 1.
        columns: tiles in a row, the original included.
        tile: height and width of a tile in pixels; images are scaled to fit.
        seed: tile k of row r draws from `default_rng([seed, r, k])`.

    Returns:
        (height, width) uint8.
    """
    step = tile + _MARGIN
    sheet = np.full((len(transforms) * (step + _CAPTION) + _MARGIN, columns * step + _MARGIN), 255, np.uint8)
    for row, config in enumerate(transforms):
        config = {"type": config} if isinstance(config, str) else config
        transform = TRANSFORMS.build({**config, "prob": 1.0})
        image, mask = samples[row % len(samples)]
        top = _MARGIN + row * (step + _CAPTION) + _CAPTION
        cv2.putText(sheet, config["type"], (_MARGIN, top - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 0, 1, cv2.LINE_AA)
        for column in range(columns):
            results = {"img": image, "rng": np.random.default_rng([seed, row, column])}
            if mask is not None:
                results["gt_seg_map"] = mask
            if column:
                results = transform(results)
            left = _MARGIN + column * step
            sheet[top : top + tile, left : left + tile] = _fit(results["img"], results.get("gt_seg_map"), tile)
    return sheet


def find_samples(path: str | Path, count: int) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Reads images, spread evenly over the sorted files, with their masks where these lie beside them.

    Args:
        path: an image file; or a folder of images, searched with its subfolders. Files called *_mask*.png and those in
            folders called masks are no images. The mask of images/NAME.png is masks/NAME.png, as in a converted set.
        count: how many at most.

    Raises:
        FileNotFoundError: there is no image.
        ValueError: a file can't be read.
    """
    path = Path(path)
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if _is_image(file))
    if not files:
        raise MissingFileError(f"{path}: there is no image ({', '.join(_SUFFIXES)}); give an image, a folder or a set")
    chosen = [files[i] for i in np.unique(np.linspace(0, len(files) - 1, count).round().astype(int))]
    samples = []
    for file in chosen:
        mask = file.parent.parent / "masks" / f"{file.stem}.png"
        has_mask = file.parent.name == "images" and mask.is_file()
        samples.append((read_image(file), read_mask(mask) if has_mask else None))
    return samples


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in _SUFFIXES and "_mask" not in file.stem and file.parent.name != "masks"


def _fit(image: np.ndarray, mask: np.ndarray | None, tile: int) -> np.ndarray:
    """Scales an image, with its lesion's outline, to fit into (tile, tile) uint8, at the top left on white."""
    scale = tile / max(image.shape)
    size = tuple(max(round(side * scale), 1) for side in image.shape[::-1])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    result = np.full((tile, tile), 255, np.uint8)
    picture = cv2.resize(image, size, interpolation=interpolation)
    if mask is not None:
        lesion = cv2.resize(mask * np.uint8(255), size, interpolation=interpolation) > 127
        contours, _ = cv2.findContours(lesion.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, 255, 1)
    result[: size[1], : size[0]] = picture
    return result
