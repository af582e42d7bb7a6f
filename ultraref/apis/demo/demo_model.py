"""The model behind the page, which all sessions share."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np

from ultraref.apis.config import load_config
from ultraref.apis.demo.prompting import Ask
from ultraref.apis.inference.tasks import Task
from ultraref.apis.inferencer import UltraRefInferencer
from ultraref.errors import UserError
from ultraref.models.coarse import FromSample
from ultraref.models.segmentors import RefinementSegmentor
from ultraref.registry import MODELS
from ultraref.structures import SegDataSample

# Embeddings that are kept; the oldest goes first. One of a SAM of 1024 px has 4 MiB.
KEPT_EMBEDDINGS = 50


class DemoModel:
    """Asks a refinement model about single images. Thread-safe; questions wait for each other.

    Args:
        inferencer: of a refinement model, with an embedding cache.
        title: what the page calls it.
        cache: the folder of the embedding cache.

    Attributes:
        title: the argument.
        makes_coarse: whether the model has a coarse network of its own.
        knows_points: whether its SAM was trained with points. Of weights without a profile it is presumed.
    """

    def __init__(self, inferencer: UltraRefInferencer, title: str, cache: Path):
        model = inferencer.model
        self.title = title
        self.makes_coarse = not isinstance(model.coarse_source, FromSample)
        profile = getattr(getattr(model.refiner, "sam", None), "profile", None)
        self.knows_points = profile is None or "points" in profile.prompts
        self._inferencer, self._cache, self._lock = inferencer, cache, Lock()

    def ask(
        self, name: str, image: np.ndarray, coarse: np.ndarray | None, asks: Sequence[Ask]
    ) -> tuple[SegDataSample, Ask | None]:
        """Returns what the model says of an image, and to which question: that with the highest predicted IoU.

        Args:
            name: of the image.
            image: (H, W) uint8 grey.
            coarse: (H, W) float32 in [0, 1], or None where there is none or the model makes its own.
            asks: what SAM is asked; nothing lets the model ask as it does by itself.

        Raises:
            UserError: a prompt lies outside of the image.
        """
        tasks = [_task(name, image, coarse, ask) for ask in asks or [None]]
        with self._lock:
            samples = [prediction.sample for prediction in self._inferencer.stream(tasks)]
            self._drop_old_embeddings()
        quality = [sample.metainfo.get("predicted_iou") for sample in samples]
        best = max(range(len(samples)), key=lambda place: -1.0 if quality[place] is None else quality[place])
        return samples[best], asks[best] if asks else None

    def prepare(self, image: np.ndarray) -> None:
        """Makes the embedding of an image, so that the first question about it is answered as fast as the later ones."""
        height, width = image.shape
        if min(height, width) > 1:
            self.ask("image", image, None, [Ask((0.0, 0.0, width - 1.0, height - 1.0))])

    def _drop_old_embeddings(self) -> None:
        files = sorted(self._cache.rglob("*.npy"), key=lambda path: path.stat().st_mtime)
        for path in files[:-KEPT_EMBEDDINGS]:
            path.unlink(missing_ok=True)


def make_demo_model(
    model: str,
    weights: str | None,
    device: str | None,
    cache: Path,
    max_pixels: int,
    set: str | None = None,
    fold: str | None = None,
) -> DemoModel:
    """Builds the model of the page.

    Where SAM sees a crop that follows the coarse mask, no embedding can be kept, and every question takes as long as the first.

    Args:
        cache: folder for embeddings.
        model, weights, device, max_pixels, set, fold: see `UltraRefInferencer`.

    Raises:
        FileNotFoundError: a file is missing.
        UserError: config, weights or options don't fit, or the model refines nothing.
    """
    cfg = load_config(model, set=set, fold=fold)
    kind = MODELS.get(cfg.model.type)
    if kind is None or not issubclass(kind, RefinementSegmentor):
        raise UserError(f"{model}: is a {cfg.model.type}; the demo needs a refinement model, of phase 2 or 3")
    has_roi = (cfg.model.get("refiner") or {}).get("roi") is not None
    options = dict(max_pixels=max_pixels, embedding_cache=None if has_roi else cache)
    return DemoModel(UltraRefInferencer(cfg, weights, device, **options), model, cache)


def _task(name: str, image: np.ndarray, coarse: np.ndarray | None, ask: Ask | None) -> Task:
    boxes = None if ask is None or ask.box is None else [ask.box]
    points = None if ask is None or not ask.points else ask.points
    return Task(name, array=image, coarse=coarse, boxes=boxes, points=points)
