"""One case as a picture: contours, prompts, gate and error."""

import cv2
import numpy as np

from ultraref.structures import SegDataSample

# RGB. Distinguishable for the colour-blind (Okabe and Ito 2008).
TRUTH, COARSE, REFINED = (0, 158, 115), (240, 228, 66), (213, 94, 0)
POSITIVE, NEGATIVE, BOX, ROI = (86, 180, 233), (204, 121, 167), (230, 230, 230), (120, 120, 120)


def draw_overlay(image: np.ndarray, sample: SegDataSample, height: int = 320) -> np.ndarray:
    """Draws the panels that the sample has data for, side by side.

    From the left: the image; the outlines of ground truth (green), coarse (yellow) and refined mask (orange) with SAM's points
    (blue: lesion, pink: background), its box (light grey) and the ROI (dark grey), and below what a quality head predicts; the gate, from 0 (black) to 1 (white); the
    error of the refined mask, missed pixels in blue and false ones in orange.

    Args:
        image: (H, W) uint8, in the frame that the prediction is in or another one of the same content.
        sample: a prediction; `coarse` and `refined` (1, H, W) in [0, 1], `gate`, `prompts`, `gt_sem_seg`, all optional.
        height: height of the picture in pixels.

    Returns:
        (height, n * width, 3) uint8 RGB.
    """
    ori_height, ori_width = sample.metainfo.get("ori_shape", image.shape)
    size = (max(1, round(height * ori_width / ori_height)), height)  # OpenCV takes (width, height)
    grey = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_GRAY2RGB)
    masks = {
        name: _resized(sample.get(name).data[0], size) > 0.5
        for name in ("gt_sem_seg", "coarse", "refined")
        if name in sample
    }
    panels = [grey, _outlines(grey, sample, masks)]
    if "gate" in sample:
        gate = np.rint(255 * _resized(sample.gate.data[0], size)).astype(np.uint8)
        panels.append(_titled(cv2.cvtColor(gate, cv2.COLOR_GRAY2RGB), f"gate, mean {gate.mean() / 255:.2f}"))
    refined = masks.get("refined", masks.get("coarse"))
    if refined is not None and "gt_sem_seg" in masks:
        error = grey // 2
        error[masks["gt_sem_seg"] & ~refined] = POSITIVE
        error[refined & ~masks["gt_sem_seg"]] = REFINED
        panels.append(_titled(error, "missed / false"))
    return np.concatenate(panels, axis=1)


def _outlines(grey: np.ndarray, sample: SegDataSample, masks: dict[str, np.ndarray]) -> np.ndarray:
    canvas = grey.copy()
    for name, colour in (("gt_sem_seg", TRUTH), ("coarse", COARSE), ("refined", REFINED)):
        if name in masks:
            contours, _ = cv2.findContours(masks[name].astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(canvas, contours, -1, colour, 1, cv2.LINE_AA)
    if "prompts" in sample:
        _draw_prompts(canvas, sample)
    predicted = sample.metainfo.get("predicted_dice")
    if predicted is not None:
        harm = sample.metainfo["predicted_harm"]
        foot = f"predicted Dice: coarse {predicted[0]:.2f}, SAM {predicted[1]:.2f}, harm {harm:.0%}"
        place = (4, canvas.shape[0] - 6)
        cv2.putText(canvas, foot, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
    return _titled(canvas, "truth / coarse / refined")


def _draw_prompts(canvas: np.ndarray, sample: SegDataSample) -> None:
    """Draws points, box and ROI, which are in the frame of `refined`."""
    frame = np.array(sample.refined.data.shape[:0:-1])  # (width, height)
    scale = np.array(canvas.shape[1::-1]) / frame
    prompts = sample.prompts

    def to_canvas(points) -> list[tuple[int, int]]:
        return [tuple(int(v) for v in np.rint((p + 0.5) * scale - 0.5)) for p in np.reshape(points, (-1, 2))]

    for name, colour in (("roi", ROI), ("box", BOX)):
        for box in prompts.get(name).tolist() if name in prompts else ():
            cv2.rectangle(canvas, *to_canvas(box), colour, 1)
    if "points" in prompts:
        for point, label in zip(to_canvas(prompts.points.tolist()), prompts.labels.flatten().tolist()):
            cv2.circle(canvas, point, 3, POSITIVE if label > 0.5 else NEGATIVE, -1, cv2.LINE_AA)


def _resized(data, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(np.asarray(data.cpu(), dtype=np.float32), size, interpolation=cv2.INTER_LINEAR)


def _titled(panel: np.ndarray, text: str) -> np.ndarray:
    return cv2.putText(panel, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
