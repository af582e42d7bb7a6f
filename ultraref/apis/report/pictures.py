"""Overlays of cases as images that are part of the page."""

import base64
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

# Pixels; four panels of it are legible, and a picture takes about 60 KB.
_WIDTH = 1200
_QUALITY = 82
# Bytes of a file that is tried.
_LARGEST = 50_000_000


def overlay_of(folder: Path | None, row: Mapping) -> str | None:
    """Returns the overlay of a case as a data URI; None where there is none that can be read.

    Args:
        folder: of overlays, as `OverlayHook` writes them.
        row: of the table of cases.
    """
    if folder is None:
        return None
    for stem in (f"{row['dataset']}_{row['name']}", row["name"]):
        path = folder / f"{stem}.png"
        # A name is a user's, and may not lead out of the folder.
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()) and path.stat().st_size <= _LARGEST:
            return _data_uri(path)
    return None


def _data_uri(path: Path) -> str | None:
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return None
    height, width = picture.shape[:2]
    if width > _WIDTH:
        size = (_WIDTH, max(1, round(height * _WIDTH / width)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}" if done else None
