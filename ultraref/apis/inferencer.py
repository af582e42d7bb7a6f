"""A trained model on anybody's images."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from ultraref.apis.bundle import load_bundle
from ultraref.apis.config import load_config
from ultraref.apis.inference.batches import coarse_of_batch, predict_batch
from ultraref.apis.inference.measurements import write_table
from ultraref.apis.inference.reading import Reader
from ultraref.apis.inference.sample import Origin, Prepared, SampleMaker
from ultraref.apis.inference.set_cases import SetCases
from ultraref.apis.inference.tasks import ImageInput, Task, pair_inputs
from ultraref.apis.inference.temporal_median import check_window, smoothed_over_time
from ultraref.apis.inference.writer import PredictionWriter
from ultraref.apis.model import checked_device, init_model, tta_config
from ultraref.datasets.readers import MAX_PIXELS
from ultraref.engine.gate_calibration import log_calibration
from ultraref.errors import UserError
from ultraref.models.coarse import FromSample
from ultraref.models.sam import EmbeddingCache
from ultraref.models.segmentors import CoarseSegmentor, RefinementSegmentor
from ultraref.registry import MODELS
from ultraref.structures import SegDataSample

# Threads that read and resize while the model computes.
_THREADS = 4


@dataclass(frozen=True)
class Prediction:
    """What is said of one image.

    Attributes:
        sample: with `coarse`, `sam`, `gate`, `refined` and `prompts` as the model has them, on the CPU.
        image: (H, W) uint8 grey, upright.
        origin: the file, and how its pixels lie.
    """

    sample: SegDataSample
    image: np.ndarray
    origin: Origin


class UltraRefInferencer:
    """Predicts, or refines masks that are given, on files, arrays and PIL images.

    Every image goes through the pipeline of the config's test set, so that the result is that of tools/test.py, whatever else is in
    the batch.

    Example:
        >>> inferencer = UltraRefInferencer("phase3/lite_gated.py", "work_dirs/lite_gated_busi_fold0/best.pth")
        >>> samples = inferencer("images/", out_dir="predictions")
        >>> refined = UltraRefInferencer("refine/lite_medsam.py")("images/", coarse="masks/")

    Args:
        model: a config (path, name of a shipped recipe, or one from `load_config`) or the folder of an exported bundle.
        weights: checkpoint of the whole model. None, of a config, takes the published weights and the earlier phases' checkpoints that
            the config itself names.
        device: by default CUDA where there is one.
        set: the set of images of a recipe, see `load_config`; only names of files depend on it.
        fold: the fold of a recipe.
        cfg_options: dotted key -> value.
        each_lesion: refine each connected part of a coarse mask that is given by itself, and join the answers by their maximum.
        softness: how soft the outline of a binary coarse mask is made, in pixels of the coarse frame, see `SampleMaker`.
        coarse_kind: "mask", "probability" or "auto": what files of coarse masks hold, see `read_coarse`.
        max_pixels: most pixels of an image; a larger one is refused before it is decoded.
        embedding_cache: folder in which SAM's embeddings of the images are kept, for images that are asked about again and again. The
            config's own is not used: nothing is written that wasn't asked for.
        allow_custom_imports: import the modules that a bundle names, see `load_bundle`.
        tta: test-time augmentation: average over each image and its mirror images, by the config's `tta_model`, else `FlipTTAModel`.
        temporal_median: odd number of frames over which the median of the coarse probability of a video is taken, before it is refined, see
            `smoothed_over_time`; 1 takes none. The frames of a file with several are a video.
        video_folders: the images in one folder are the frames of a video, too, in natural order.

    Attributes:
        model: in eval mode.
        cfg: its config.
        maker: brings images to the model's form.
        tta_model: config of the test-time augmentation; None without.

    Raises:
        FileNotFoundError: a file is missing.
        UserError: config, weights or options don't fit.
    """

    def __init__(
        self,
        model: str | os.PathLike | Config,
        weights: str | os.PathLike | None = None,
        device: str | None = None,
        *,
        set: str | None = None,
        fold: int | str | None = None,
        cfg_options: dict | None = None,
        each_lesion: bool = False,
        softness: float = 1.0,
        coarse_kind: str = "auto",
        max_pixels: int = MAX_PIXELS,
        embedding_cache: str | os.PathLike | None = None,
        allow_custom_imports: bool = False,
        tta: bool = False,
        temporal_median: int = 1,
        video_folders: bool = False,
    ):
        self.device = checked_device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if not isinstance(model, Config) and Path(model).expanduser().is_dir():
            if weights is not None or cfg_options or set is not None or fold is not None:
                raise UserError(
                    f"{model} is a bundle, which has its own weights and config; leave out weights, set, fold and options"
                )
            self.model, self.cfg = load_bundle(model, self.device, allow_custom_imports=allow_custom_imports)
        else:
            self.cfg = model if isinstance(model, Config) else load_config(model, cfg_options, set=set, fold=fold)
            self.model = init_model(self.cfg, weights, self.device)
            log_calibration(self.model)
        self._set_cache(embedding_cache)
        self.tta_model = tta_config(self.cfg) if tta else None
        self._asked = self.model if self.tta_model is None else MODELS.build(dict(self.tta_model, module=self.model))
        self.coarse_kind, self.max_pixels = coarse_kind, max_pixels
        self.temporal_median, self.video_folders = check_window(temporal_median), video_folders
        self._check_median(each_lesion)
        self.maker = SampleMaker(self.cfg, self.model.sizes, each_lesion, softness)

    def __call__(
        self,
        inputs: ImageInput | Sequence[ImageInput],
        coarse=None,
        boxes=None,
        points=None,
        batch_size: int = 8,
        out_dir: str | os.PathLike | None = None,
    ) -> list[SegDataSample]:
        """Predicts all images and returns their samples, in order; a file of several frames gives one a frame.

        Args:
            inputs: a path, glob or folder (searched with those in it), a grey (H, W) or RGB (H, W, 3) array, a PIL image, or a list of
                them.
            coarse: coarse masks or probabilities to refine instead of the model's own: for one image a path, or an array (H, W) in
                [0, 1] or bool; for a list of images a list; for folders and globs a folder, see `CoarseMasks`.
            boxes: of each image (N, 4) xyxy in its pixels, each a lesion; for a list of images a list, None where there are none.
                Where boxes or points are given, SAM is asked about them alone, and the gate is 1.
            points: of each image (N, 3), (x, y, label), label 1 in the lesion, 0 in the background; with one box or without.
            batch_size: images that the model sees at a time.
            out_dir: receives masks/NAME.png and predictions.csv, see `PredictionWriter`, `measurements.COLUMNS` and `SetCases`.

        Raises:
            UserError: a file can't be read, or what is given doesn't fit.
        """
        predictions = self.stream(inputs, coarse, boxes, points, batch_size)
        if out_dir is None:
            return [prediction.sample for prediction in predictions]
        samples, cases, known = [], SetCases(), {}
        with PredictionWriter(Path(out_dir)) as writer:
            for prediction in predictions:
                known[prediction.sample.metainfo["name"]] = cases.of(prediction.origin.path or "")
                writer.add(prediction.sample, prediction.image, prediction.origin)
                samples.append(prediction.sample)
        rows = [{**row, **known[row["name"]]} for row in writer.rows]
        write_table(Path(out_dir) / "predictions.csv", rows)
        return samples

    def stream(
        self,
        inputs: ImageInput | Sequence[ImageInput] | Sequence[Task],
        coarse=None,
        boxes=None,
        points=None,
        batch_size: int = 8,
        on_error: Callable[[str, Exception], None] | None = None,
        wanted: Callable[[str], bool] | None = None,
    ) -> Iterator[Prediction]:
        """As calling, but yields predictions one by one; memory doesn't grow with their number.

        Args:
            inputs: as for calling, as are `coarse`, `boxes`, `points` and `batch_size`; or tasks that were paired before.
            on_error: called with the name of an input that can't be read, and the reason; the others go on. By default the first stops
                all.
            wanted: called with the name of a frame's results: whether to predict it. By default all are.
        """
        if batch_size < 1:
            raise UserError(f"batch_size is {batch_size}; it must be at least 1")
        is_paired = isinstance(inputs, list) and all(isinstance(item, Task) for item in inputs)
        tasks = inputs if is_paired else pair_inputs(inputs, coarse, boxes, points, self.video_folders)
        self._check(tasks)
        wanted = wanted or (lambda name: True)
        # A frame that isn't wanted is still a neighbour of one that is.
        read = wanted if self.temporal_median == 1 else (lambda name: True)
        reader = Reader(self.maker, self.max_pixels, self.coarse_kind, on_error or _raise, read)
        return self._stream(reader, tasks, batch_size, wanted)

    def _stream(
        self, reader: Reader, tasks: list[Task], batch_size: int, wanted: Callable[[str], bool]
    ) -> Iterator[Prediction]:
        with ThreadPoolExecutor(_THREADS) as pool:
            ready = reader.read(tasks, pool, batch_size)
            if self.temporal_median == 1:
                yield from self._predict(ready, batch_size)
            elif isinstance(self.model, CoarseSegmentor):
                yield from self._smooth_predictions(ready, batch_size, wanted)
            else:
                yield from self._predict(self._smooth_coarse(ready, batch_size, wanted), batch_size)

    def _predict(self, ready: Iterator[Prepared], batch_size: int) -> Iterator[Prediction]:
        while batch := list(islice(ready, batch_size)):
            for prepared, sample in zip(batch, predict_batch(self.model, self.device, batch, self._asked)):
                yield Prediction(sample, prepared.image, prepared.origin)

    def _smooth_coarse(
        self, ready: Iterator[Prepared], batch_size: int, wanted: Callable[[str], bool]
    ) -> Iterator[Prepared]:
        """Yields the wanted images with the median over time as their coarse probability, before anything is refined."""

        def items():
            while batch := list(islice(ready, batch_size)):
                for prepared, prob in zip(batch, coarse_of_batch(self.model, self.device, batch)):
                    yield _video_of(prepared), prob, prepared

        for prob, prepared in smoothed_over_time(items(), self.temporal_median):
            if wanted(prepared.name):
                yield replace(prepared, coarse_parts=[prob])

    def _smooth_predictions(
        self, ready: Iterator[Prepared], batch_size: int, wanted: Callable[[str], bool]
    ) -> Iterator[Prediction]:
        """Yields the wanted predictions of a coarse network, which are the median over time."""
        items = (
            (_video_of(prediction), prediction.sample.coarse.data.numpy(), prediction)
            for prediction in self._predict(ready, batch_size)
        )
        for prob, prediction in smoothed_over_time(items, self.temporal_median):
            if wanted(prediction.sample.metainfo["name"]):
                prediction.sample.set_pixels("coarse", torch.from_numpy(prob))
                yield prediction

    def _check_median(self, each_lesion: bool) -> None:
        if self.temporal_median == 1:
            if self.video_folders:
                raise UserError("--video-folders is for --temporal-median; give both, or neither")
            return
        if not isinstance(self.model, (CoarseSegmentor, RefinementSegmentor)):
            raise UserError(f"{type(self.model).__name__} has no coarse mask for --temporal-median to smooth")
        for is_given, other in ((each_lesion, "--each-lesion"), (self.tta_model is not None, "--tta")):
            if is_given:
                raise UserError(f"--temporal-median and {other} don't go together; leave one of them out")

    def _set_cache(self, folder: str | os.PathLike | None) -> None:
        """Gives the part that asks SAM a cache of its own, or none."""
        part = getattr(self.model, "refiner", self.model)
        if folder is not None and (getattr(part, "roi_cropper", None) is not None or not hasattr(part, "sam")):
            raise UserError(
                f"{self.cfg.filename or 'the model'}: embedding_cache needs a model whose SAM sees the whole image, without an ROI"
            )
        if hasattr(part, "embedding_cache"):
            part.embedding_cache = None if folder is None else EmbeddingCache(folder)
            self.model.data_preprocessor.hash_images = folder is not None

    def _check(self, tasks: Sequence[Task]) -> None:
        """Refuses what the model has no use for, or lacks, before anything is read."""
        kind = type(self.model).__name__
        refines = isinstance(self.model, RefinementSegmentor)
        for task in tasks:
            prompted = task.boxes is not None or task.points is not None
            if prompted and self.temporal_median > 1:
                raise UserError(f"{task.name}: boxes and points ask about single images; leave temporal_median out")
            if task.coarse is not None and not refines:
                raise UserError(f"{kind} takes no coarse mask; give a refinement model, of phase 2 or 3")
            if prompted and isinstance(self.model, CoarseSegmentor):
                raise UserError(f"{kind} takes no boxes and no points; give a model with SAM")
            if refines and isinstance(self.model.coarse_source, FromSample) and task.coarse is None and not prompted:
                raise UserError(
                    f"{task.name}: this model refines masks and has no coarse network of its own; give coarse masks, boxes or points, "
                    "or take a phase-3 model"
                )


def _video_of(frame: Prepared | Prediction) -> str | None:
    """Returns the video of a frame. A change of size in a folder begins another one: masks of other proportions don't lie on each other."""
    return None if frame.origin.video is None else f"{frame.origin.video} {frame.image.shape}"


def _raise(name: str, error: Exception) -> None:
    raise error
