"""A converted set as COCO instances."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ultraref.datasets.coco_annotations import LESION_CLASSES, NO_CLASS
from ultraref.datasets.image_io import read_mask
from ultraref.datasets.splits import Splits


def to_coco(root: str | Path, progress: Callable = iter) -> dict:
    """Returns the content of a COCO file of a converted set: one annotation for each 8-connected part of a lesion.

    Polygons run along pixel edges, in COCO's frame, where pixel j reaches from j to j + 1; drawing them with
    pycocotools gives the mask back. COCO's polygons have no holes, so a part with holes is cut into several polygons.
    Images carry the keys split, fold and sha256 in addition, and info.lesion_classes says that all categories are lesion.

    Args:
        root: the converted set.
        progress: wraps the list of names as it is gone through.
    """
    root = Path(root)
    splits = Splits.read(root)
    categories = sorted({entry.category or NO_CLASS for entry in splits.images.values()})
    category_id = {name: number for number, name in enumerate(categories, start=1)}
    images, annotations = [], []
    for image_id, name in enumerate(progress(list(splits.images)), start=1):
        entry = splits.images[name]
        mask = read_mask(root / entry.split / "masks" / f"{name}.png")
        height, width = mask.shape
        images.append(
            {
                "id": image_id,
                "file_name": f"{entry.split}/images/{name}.png",
                "height": height,
                "width": width,
                "split": entry.split,
                "fold": entry.fold,
                "sha256": entry.sha256,
            }
        )
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        for label in range(1, count):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": category_id[entry.category or NO_CLASS],
                    "segmentation": polygons((labels == label).astype(np.uint8)),
                    "bbox": stats[
                        label, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]
                    ].tolist(),
                    "area": int(stats[label, cv2.CC_STAT_AREA]),
                    "iscrowd": 0,
                }
            )
    return {
        "info": {"description": splits.dataset, "splits_hash": splits.hash, LESION_CLASSES: categories},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in category_id.items()],
    }


def polygons(mask: np.ndarray) -> list[list[int]]:
    """Returns polygons [x1, y1, x2, y2, ...] along the pixel edges of (H, W) uint8 in {0, 1}; x = j is the left edge of
    pixel j."""
    # Of three-fold magnification, each pixel corner is next to one subpixel alone, which finds it.
    large = np.kron(mask, np.ones((3, 3), np.uint8))
    contours, hierarchy = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return []
    holes = [contour for contour, (*_, parent) in zip(contours, hierarchy[0]) if parent >= 0]
    if holes:
        # Cut through the first hole: neither side has it any more.
        column = int(holes[0][:, 0, 0].min() + holes[0][:, 0, 0].max()) // 6
        left, right = mask.copy(), mask.copy()
        left[:, column:], right[:, :column] = 0, 0
        return polygons(left) + polygons(right)
    result = []
    for contour in contours:
        corners = (contour[:, 0] + 1) // 3
        # Only the points where a horizontal edge meets a vertical one; repeated points have a step of zero.
        corners = corners[(corners != np.roll(corners, 1, axis=0)).any(axis=1)]
        before, after = corners - np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0) - corners
        turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
        result.append(corners[turns].ravel().tolist())
    return result
