"""Tiles that pictures are put together from. All are RGB, (H, W, 3) uint8."""

from collections.abc import Sequence

import cv2
import numpy as np


def grey_panel(image: np.ndarray, height: int) -> np.ndarray:
    """Scales a grey image, (H, W) uint8, to a height in pixels."""
    size = (max(1, round(height * image.shape[1] / image.shape[0])), height)  # OpenCV takes (width, height)
    interpolation = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_LINEAR
    return cv2.cvtColor(cv2.resize(image, size, interpolation=interpolation), cv2.COLOR_GRAY2RGB)


def prob_panel(prob: np.ndarray, height: int) -> np.ndarray:
    """Draws a probability, (H, W) float in [0, 1], from black to white."""
    return grey_panel(np.rint(255 * np.clip(prob, 0, 1)).astype(np.uint8), height)


def add_outline(panel: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Draws the outline of a mask, (H, W) of the panel's content, into a panel."""
    size = (panel.shape[1], panel.shape[0])
    scaled = cv2.resize(np.asarray(mask, np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5
    contours, _ = cv2.findContours(scaled.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(panel, contours, -1, colour, 1, cv2.LINE_AA)


def add_points(panel: np.ndarray, points: np.ndarray, frame: tuple[int, int], colours: Sequence[tuple]) -> None:
    """Draws points (N, 2), (x, y) in pixel-index units of a frame (height, width) of the panel's content, into a panel."""
    scale = np.array(panel.shape[1::-1]) / np.array(frame[::-1])
    for point, colour in zip((np.reshape(points, (-1, 2)) + 0.5) * scale - 0.5, colours):
        cv2.circle(panel, tuple(int(v) for v in np.rint(point)), 3, colour, -1, cv2.LINE_AA)


def add_title(panel: np.ndarray, text: str) -> np.ndarray:
    """Writes a text into the upper left, on a dark ground, and returns the panel."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    width = cv2.getTextSize(text, font, 0.42, 1)[0][0]
    cv2.rectangle(panel, (0, 0), (width + 8, 20), (0, 0, 0), -1)
    cv2.putText(panel, text, (4, 14), font, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
    return panel


def stack_rows(rows: Sequence[Sequence[np.ndarray]], margin: int = 4) -> np.ndarray:
    """Puts panels side by side, and the rows below each other, on white."""
    lines = [_line(row, margin) for row in rows if len(row)]
    width = max(line.shape[1] for line in lines)
    padded = [np.pad(line, ((0, margin), (0, width - line.shape[1]), (0, 0)), constant_values=255) for line in lines]
    return np.concatenate(padded)


def _line(panels: Sequence[np.ndarray], margin: int) -> np.ndarray:
    height = max(panel.shape[0] for panel in panels)
    return np.concatenate(
        [np.pad(panel, ((0, height - panel.shape[0]), (0, margin), (0, 0)), constant_values=255) for panel in panels],
        axis=1,
    )
