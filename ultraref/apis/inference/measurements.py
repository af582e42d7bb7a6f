"""What a prediction says of an image, in numbers: a row of predictions.csv."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from ultraref.apis.inference.natural_order import natural_key
from ultraref.apis.inference.sample import Origin
from ultraref.csv_table import write_mappings
from ultraref.structures import SegDataSample

COLUMNS = (
    "name",
    "file",
    "frame",
    "height",
    "width",
    "lesions",
    "area_px",
    "area_mm2",
    "spacing_note",
    "x1",
    "y1",
    "x2",
    "y2",
    "coarse_area_px",
    "changed_px",
    "predicted_iou",
    "opinion",
    "predicted_dice_coarse",
    "predicted_dice_sam",
    "predicted_harm",
    "consistency",
    "coarse_empty",
    "gate_closed",
    "disagreement",
)
# The gate lets nothing of SAM in where its mean over the pixels on which SAM and the coarse mask differ is below this.
CLOSED_GATE = 0.01
# IoU of SAM's and the coarse mask below which they disagree.
DISAGREEMENT_IOU = 0.5


def measure(
    sample: SegDataSample, mask: np.ndarray, coarse: np.ndarray | None, origin: Origin
) -> dict[str, str | int | float]:
    """Returns the row of one image; empty text where a number isn't known.

    Args:
        sample: a prediction.
        mask: (H, W) bool, its mask in the frame of the upright image. Areas and the box, x1 to y2 (the outermost pixels, in pixel
            indices), are of it, `lesions` its 8-connected parts.
        coarse: (H, W) bool, the coarse mask that was refined; None where there is none.
        origin: of the image. `area_mm2` is given where its pixel spacing is certain.

    Returns:
        By COLUMNS. predicted_dice_coarse, predicted_dice_sam and predicted_harm are what a quality head says, of a model that has one; opinion,
        the IoU of SAM's mask with that of a second coarse network, of a model that has one; consistency, how far mirror images agree. The flags are 0 or 1: `coarse_empty`, there was no coarse mask to refine; `gate_closed`, SAM would change the mask, and
        the gate lets nothing of it in; `disagreement`, SAM's mask and the coarse one have an IoU below 0.5.
    """
    height, width = mask.shape
    count, _ = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    area = int(mask.sum())
    row = dict.fromkeys(COLUMNS, "")
    row.update(
        name=sample.metainfo["name"],
        file=origin.path or "",
        frame=origin.frame,
        height=height,
        width=width,
        lesions=count - 1,
        area_px=area,
        spacing_note=origin.spacing_note,
    )
    if origin.spacing is not None:
        row["area_mm2"] = round(area * origin.spacing[0] * origin.spacing[1], 4)
    if area:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        row.update(x1=int(columns[0]), y1=int(rows[0]), x2=int(columns[-1]), y2=int(rows[-1]))
    for name in ("predicted_iou", "opinion", "consistency"):
        if sample.metainfo.get(name) is not None:
            row[name] = round(sample.metainfo[name], 4)
    if sample.metainfo.get("predicted_dice") is not None:
        before, after = (round(value, 4) for value in sample.metainfo["predicted_dice"])
        harm = round(sample.metainfo["predicted_harm"], 4)
        row.update(predicted_dice_coarse=before, predicted_dice_sam=after, predicted_harm=harm)
    if coarse is not None and "refined" in sample:
        row.update(coarse_area_px=int(coarse.sum()), changed_px=int((coarse != mask).sum()), **_flags(sample))
    return row


def write_table(path: Path, rows: Sequence[Mapping]) -> None:
    """Writes rows as CSV, in natural order of their names. A text that a spreadsheet would take for a formula gets an apostrophe before it.

    Columns that COLUMNS doesn't name follow in the order in which they first come.
    """
    rows = sorted(rows, key=lambda row: natural_key(row["name"]))
    columns = dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])
    write_mappings(path, list(columns), rows)


def _flags(sample: SegDataSample) -> Mapping[str, int]:
    p, q, gate = (sample.get(name).data[0] for name in ("coarse", "sam", "gate"))
    coarse, sam = p > 0.5, q > 0.5
    differ, either = coarse ^ sam, coarse | sam
    iou = float((coarse & sam).sum() / either.sum()) if either.any() else 1.0
    closed = bool(differ.any()) and float(gate[differ].mean()) < CLOSED_GATE
    return dict(
        coarse_empty=int(bool(sample.metainfo.get("coarse_empty"))),
        gate_closed=int(closed),
        disagreement=int(iou < DISAGREEMENT_IOU),
    )
