"""What the browser draws: image and maps as PNG, at most as large as a screen."""

import base64

import cv2
import numpy as np

from ultraref.apis.demo.session import Session

# Longer sides are sent smaller; coordinates stay those of the image.
MAX_SIDE = 1280
LAYERS = ("coarse", "sam", "gate", "refined")


def image_view(session: Session) -> dict:
    """Returns the image of a session: `image` (a data URL) and its own `width` and `height` in pixels."""
    height, width = session.image.shape
    return dict(image=_url(session.image), width=width, height=height)


def answer_view(session: Session) -> dict:
    """Returns question and answer.

    Returns:
        `layers`: data URLs of the maps, 0 to 255 for 0 to 1, None where there is none; `points` (x, y, label) and `box` xyxy as the user gave
        them; `asked`: the box that SAM was asked about, where it isn't the user's; `can_undo`; `given_coarse`: whether the user gave a coarse mask.
    """
    sample, question = session.result(), session.question
    layers = dict.fromkeys(LAYERS)
    for name in LAYERS:
        if sample is not None and name in sample:
            layers[name] = _url(np.rint(255 * sample.native_prob(name).numpy()).astype(np.uint8))
    asked = session.answer.asked.box if session.answer is not None and session.answer.asked is not None else None
    return dict(
        layers=layers,
        points=question.points,
        box=question.box,
        asked=None if asked == question.box else asked,
        can_undo=session.can_undo,
        given_coarse=question.coarse is not None,
    )


def _url(grey: np.ndarray) -> str:
    """(H, W) uint8 as a data URL of a PNG."""
    height, width = grey.shape
    scale = MAX_SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    # Speed before size: the browser is near.
    _, content = cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return "data:image/png;base64," + base64.b64encode(content).decode()
