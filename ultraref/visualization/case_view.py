"""All steps of one case in one picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ultraref.structures import SegDataSample
from ultraref.visualization.overlay import REFINED, draw_overlay
from ultraref.visualization.panels import add_outline, add_title, grey_panel, prob_panel, stack_rows


@dataclass(frozen=True)
class CandidateView:
    """A candidate of SAM, in the frame that SAM saw.

    Attributes:
        image: (H, W) uint8, what SAM saw.
        prob: (h, w) float in [0, 1].
        iou: what SAM predicts of it.
        title: which one it is.
        is_selected: whether it has the highest predicted IoU of its decoding.
    """

    image: np.ndarray
    prob: np.ndarray
    iou: float
    title: str
    is_selected: bool


def draw_case(
    image: np.ndarray, sample: SegDataSample, candidates: Sequence[Sequence[CandidateView]] = (), height: int = 320
) -> np.ndarray:
    """Draws what was said of one image.

    First row: `draw_overlay`, with prompts, ROI, gate and error. Second: coarse, SAM's and the refined probability. Then a row for each decoding:
    SAM's candidates (orange outline) on what SAM saw, with the IoU that it predicts.

    Args:
        image: (H, W) uint8, the content of the frame that the prediction is in.
        sample: a prediction.
        candidates: of each decoding.
        height: of a panel in pixels.

    Returns:
        (rows * height + margins, width, 3) uint8 RGB.
    """
    rows = [[draw_overlay(image, sample, height)]]
    probs = [name for name in ("coarse", "sam", "refined") if name in sample]
    native = [(name, sample.native_prob(name).cpu().numpy()) for name in probs]
    rows.append([add_title(prob_panel(prob, height), f"{name} probability") for name, prob in native])
    for decoding in candidates:
        panels = []
        for candidate in decoding:
            panel = grey_panel(candidate.image, height)
            add_outline(panel, candidate.prob, REFINED)
            mark = ", best" if candidate.is_selected and len(decoding) > 1 else ""
            panels.append(add_title(panel, f"{candidate.title}, predicted IoU {candidate.iou:.2f}{mark}"))
        rows.append(panels)
    return stack_rows(rows)
