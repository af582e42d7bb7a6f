"""From an image to what the model takes."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from ultraref.datasets.mask_errors.soft import soften
from ultraref.datasets.pipeline import Pipeline
from ultraref.datasets.transforms.resize_to_models import resize
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS
from ultraref.structures import SegDataSample

# How far outside of the image a coordinate may lie: xyxy boxes often end at the width.
_SLACK = 1.0


@dataclass(frozen=True)
class Origin:
    """Where an image comes from.

    Attributes:
        path: the file; None of an array.
        frame: the frame's number in it, and `num_frames` how many there are.
        spacing: (row, column) distance of its pixels in mm, in the file's pixel order; None where it isn't certain.
        spacing_note: where it comes from, or why there is none.
        exif_orientation: 1 to 8.
        to_stored: brings an (H, W) array of the upright image into the file's pixel order.
        video: the video that the image is a frame of; None where it is of none.
    """

    path: str | None = None
    frame: int = 0
    num_frames: int = 1
    spacing: tuple[float, float] | None = None
    spacing_note: str = "an array has no pixel spacing"
    exif_orientation: int = 1
    to_stored: Callable[[np.ndarray], np.ndarray] = lambda array: array
    video: str | None = None


@dataclass(frozen=True)
class Request:
    """One image to predict.

    Attributes:
        name: what its results are called.
        image: (H, W) uint8 grey, upright.
        origin: where it comes from.
        coarse: (H, W) float32 in [0, 1], a coarse probability in the image's frame; None lets the model make its own.
        boxes: (N, 4) float xyxy in pixels of the image, each a lesion; None asks about none.
        points: (N, 3) float (x, y, label) in pixels of the image, label 1 in the lesion and 0 in the background.
    """

    name: str
    image: np.ndarray
    origin: Origin = Origin()
    coarse: np.ndarray | None = None
    boxes: Sequence | None = None
    points: Sequence | None = None


@dataclass(frozen=True)
class Prepared:
    """A request as the model takes it.

    Attributes:
        name: the request's.
        packed: what the pipeline returned: `inputs` and `data_samples`.
        coarse_parts: (h, h) float32 coarse probabilities to refine one by one; one where the whole mask is, none where the model makes
            its own.
        boxes: (N, 4) and `points` (M, 3), in pixel-index units of SAM's frame; None where there are none.
        image: the request's, as `origin`.
    """

    name: str
    packed: dict
    coarse_parts: list[np.ndarray]
    boxes: Tensor | None
    points: Tensor | None
    image: np.ndarray
    origin: Origin


class SampleMaker:
    """Runs the pipeline of a config's test set, without what reads files, on images that are handed over.

    Args:
        cfg: a checked config.
        sizes: side of each network's frame in pixels, the model's `sizes`.
        each_lesion: refine each connected part of a coarse mask that is given by itself.
        softness: how soft the outline of a binary coarse mask is made before a gate reads it, as the temperature of a sigmoid of the
            signed distance in pixels of the coarse frame; 0 leaves 0 and 1.

    Raises:
        UserError: the config has no test pipeline.
    """

    def __init__(self, cfg: Config, sizes: Mapping[str, int], each_lesion: bool = False, softness: float = 1.0):
        self.sizes, self.each_lesion, self.softness = dict(sizes), each_lesion, softness
        self.pipeline = Pipeline(inference_steps(cfg))

    def __call__(self, request: Request) -> Prepared:
        """Prepares one image. Thread-safe, as far as the pipeline's transforms are.

        Raises:
            UserError: image, coarse mask, boxes or points don't fit together; the message begins with the request's name.
        """
        results = {
            "name": request.name,
            "dataset": "",
            "img_path": request.origin.path,
            "img": request.image,
            "img_shape": request.image.shape,
            "ori_shape": request.image.shape,
            "split": "test",
            "fold": None,
            "sizes": self.sizes,
            "seg_fields": [],
            "rng": np.random.default_rng(0),
        }
        packed = self.pipeline(results)
        sample: SegDataSample = packed["data_samples"]
        sample.set_metainfo(dict(frame=request.origin.frame, spacing=request.origin.spacing))
        content = tuple(sample.metainfo.get("content_size", (self.sizes.get("sam", 0),) * 2))
        return Prepared(
            request.name,
            packed,
            self._coarse_parts(request),
            self._boxes(request, content),
            self._points(request, content),
            request.image,
            request.origin,
        )

    def _coarse_parts(self, request: Request) -> list[np.ndarray]:
        coarse = request.coarse
        if coarse is None:
            return []
        if coarse.shape != request.image.shape:
            raise UserError(f"{request.name}: the coarse mask is {coarse.shape}, the image {request.image.shape}")
        size = self.sizes["coarse"]
        is_binary = not ((coarse != 0) & (coarse != 1)).any()
        parts = split_lesions(coarse) if self.each_lesion else [coarse]
        if is_binary and self.softness > 0:
            native = self.softness * max(coarse.shape) / size
            parts = [soften((part > 0.5).astype(np.uint8), native) for part in parts]
        return [resize(np.ascontiguousarray(part, np.float32), size, size) for part in parts]

    def _boxes(self, request: Request, content: tuple[int, int]) -> Tensor | None:
        if request.boxes is None:
            return None
        boxes = _numbers(request.boxes, 4, f"{request.name}: boxes")
        if not (boxes[:, :2] < boxes[:, 2:]).all():
            raise UserError(
                f"{request.name}: a box is (x1, y1, x2, y2) with x1 < x2 and y1 < y2, but got {boxes.tolist()}"
            )
        return _into_frame(boxes.reshape(-1, 2), request, content).reshape(-1, 4)

    def _points(self, request: Request, content: tuple[int, int]) -> Tensor | None:
        if request.points is None:
            return None
        points = _numbers(request.points, 3, f"{request.name}: points")
        if not np.isin(points[:, 2], (0, 1)).all():
            raise UserError(
                f"{request.name}: a point is (x, y, label) with label 1 in the lesion or 0 in the background, but got {points.tolist()}"
            )
        if request.boxes is not None and len(np.atleast_2d(request.boxes)) > 1:
            raise UserError(
                f"{request.name}: got points and {len(request.boxes)} boxes; points go with one box, or with none"
            )
        places = _into_frame(points[:, :2], request, content)
        return torch.cat([places, torch.from_numpy(points[:, 2:])], dim=1)


def inference_steps(cfg: Config) -> list[dict]:
    """Returns the steps of a config's test pipeline that an image without a data set goes through.

    Raises:
        UserError: the config has no test pipeline.
    """
    steps = ((cfg.get("test_dataloader") or {}).get("dataset") or {}).get("pipeline")
    if not steps:
        raise UserError(
            f"{cfg.filename or 'the config'}: has no test_dataloader.dataset.pipeline, which says what the model is given"
        )
    kept = []
    for step in copy.deepcopy(list(steps)):
        component = TRANSFORMS.get(step["type"])
        if getattr(component, "needs_data_set", False):
            continue
        if "keep_original" in step:
            step["keep_original"] = False
        kept.append(dict(step))
    return kept


def split_lesions(coarse: np.ndarray) -> list[np.ndarray]:
    """Splits a coarse probability into one for each connected part of {p > 0.5}.

    What lies outside of the parts, soft outlines for one, belongs to the part that is nearest.

    Args:
        coarse: (H, W) float32 in [0, 1].

    Returns:
        Arrays like it, 0 where another part is; itself where there is one part or none.
    """
    lesion = (coarse > 0.5).astype(np.uint8)
    count, parts = cv2.connectedComponents(lesion, connectivity=8)
    if count <= 2:
        return [coarse]
    # The label of the nearest part's pixel, for each pixel.
    _, nearest = cv2.distanceTransformWithLabels(1 - lesion, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    owner = np.zeros(nearest.max() + 1, np.int32)
    owner[nearest[lesion > 0]] = parts[lesion > 0]
    owners = owner[nearest]
    return [np.where(owners == part, coarse, 0).astype(np.float32) for part in range(1, count)]


def _numbers(values: Sequence, columns: int, what: str) -> np.ndarray:
    try:
        array = np.atleast_2d(np.asarray(values, np.float32))
    except (TypeError, ValueError):
        raise UserError(f"{what} are {values!r}; they must be rows of {columns} numbers") from None
    if array.ndim != 2 or array.shape[1] != columns or len(array) == 0 or not np.isfinite(array).all():
        raise UserError(f"{what} have the shape {array.shape}; they must be rows of {columns} finite numbers")
    return array


def _into_frame(points: np.ndarray, request: Request, content: tuple[int, int]) -> Tensor:
    """Maps (N, 2) points from the image's pixels to those of SAM's frame."""
    height, width = request.image.shape
    sides = np.float32([width, height])
    if (points < -_SLACK).any() or (points > sides - 1 + _SLACK).any():
        raise UserError(
            f"{request.name}: {points.tolist()} lie outside of the image, which is {width} px wide and {height} px high; "
            "coordinates are (x, y) in pixels of the image, from its upper left"
        )
    points = points.clip(0, sides - 1)
    return torch.from_numpy((points + 0.5) * np.float32(content[::-1]) / sides - 0.5)
