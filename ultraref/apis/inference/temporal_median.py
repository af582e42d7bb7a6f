"""A median over time of what a coarse network says of the frames of a video."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TypeVar

import numpy as np

from ultraref.errors import UserError

Payload = TypeVar("Payload")


def check_window(window: int) -> int:
    """Returns the number of frames that a median is taken over.

    Raises:
        UserError: it isn't odd, or not positive.
    """
    if window < 1 or window % 2 == 0:
        raise UserError(f"--temporal-median is {window}; it must be an odd number of frames, such as 5 (1: off)")
    return window


def smoothed_over_time(
    items: Iterable[tuple[str | None, np.ndarray, Payload]], window: int
) -> Iterator[tuple[np.ndarray, Payload]]:
    """Takes the median, pixel by pixel, over the `window` frames around each frame of a video.

    At the ends of a video the window is as much narrower as keeps the frame in its middle: the first and the last frame stay as they are.
    So the median is always one of the values. Nothing passes from one video to another.

    Args:
        items: video, probability (h, w) and whatever belongs to the frame, in the order of time; the frames of a video follow each other.
            What is of no video (None) stays as it is.
        window: odd number of frames.

    Yields:
        The median and what belongs to the frame, in order; at most `window` // 2 frames behind `items`, and with memory for `window` frames.
    """
    for video, frames in groupby(items, key=lambda item: item[0]):
        if video is None:
            yield from ((prob, payload) for _, prob, payload in frames)
        else:
            yield from _smoothed_video(frames, window // 2)


def _smoothed_video(
    frames: Iterable[tuple[str, np.ndarray, Payload]], half: int
) -> Iterator[tuple[np.ndarray, Payload]]:
    probs: list[np.ndarray] = []
    waiting: list[Payload] = []
    # Number in the video of probs[0] and of waiting[0].
    first = now = 0

    def median(radius: int) -> np.ndarray:
        place = now - first
        around = probs[place - radius : place + radius + 1]
        return around[0] if radius == 0 else np.median(np.stack(around), axis=0).astype(around[0].dtype)

    for _, prob, payload in frames:
        probs.append(prob)
        waiting.append(payload)
        if len(waiting) > half:
            yield median(min(half, now)), waiting.pop(0)
            now += 1
            while first < now - half:
                probs.pop(0)
                first += 1
    end = now + len(waiting)
    while waiting:
        yield median(min(half, now, end - 1 - now)), waiting.pop(0)
        now += 1
