"""Reads inputs in other threads, some ahead of the model."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from threading import Lock

import numpy as np
import torch

from ultraref.apis.inference.coarse_masks import CoarseMasks
from ultraref.apis.inference.prefetch import prefetched
from ultraref.apis.inference.sample import Origin, Prepared, Request, SampleMaker
from ultraref.apis.inference.tasks import Task
from ultraref.datasets.readers import ImageSource, open_source, read_coarse
from ultraref.errors import UserError

# What a file can do to us; anything else is a fault of the program.
BAD_INPUT = (UserError, OSError, MemoryError)


class Reader:
    """From tasks to what the model takes.

    Args:
        maker: runs the pipeline.
        max_pixels: most pixels of a frame.
        coarse_kind: see `read_coarse`.
        on_error: called with name and reason of what can't be read; the others go on.
        wanted: called with the name of a frame: whether to read it.
    """

    def __init__(
        self,
        maker: SampleMaker,
        max_pixels: int,
        coarse_kind: str,
        on_error: Callable[[str, Exception], None],
        wanted: Callable[[str], bool],
    ):
        self.maker, self.max_pixels, self.coarse_kind = maker, max_pixels, coarse_kind
        self.on_error, self.wanted = on_error, wanted

    def read(self, tasks: Sequence[Task], pool: Executor, ahead: int) -> Iterator[Prepared]:
        """Yields every frame that can be read, in order, while at most 2 * `ahead` are held."""
        for task, opening in prefetched(self._open, tasks, pool, ahead):
            if (opened := self._result(task.name, opening)) is None:
                continue
            source, first = opened
            if first is not None:
                yield first
            if source is None:
                continue
            with source:
                yield from self._later_frames(task, source, pool, ahead)

    def _later_frames(self, task: Task, source: ImageSource, pool: Executor, ahead: int) -> Iterator[Prepared]:
        """Yields the frames of a file after its first."""
        lock = Lock()
        names = {frame_name(task.name, index, source.num_frames): index for index in range(1, source.num_frames)}
        wanted = [name for name in names if self.wanted(name)]
        for name, frame in prefetched(lambda name: self._frame(task, source, names[name], lock), wanted, pool, ahead):
            if (prepared := self._result(name, frame)) is not None:
                yield prepared

    def _result(self, name: str, future):
        try:
            return future.result()
        except BAD_INPUT as error:
            self.on_error(name, error)
            return None

    def _open(self, task: Task) -> tuple[ImageSource | None, Prepared | None]:
        """Reads an input's first frame; returns the source, left open, where there are more, and the frame, if it is wanted."""
        if task.array is not None:
            return None, self.maker(self._request(task, task.array, Origin()))
        source = open_source(task.file.path, max_pixels=self.max_pixels)
        keep = False
        try:
            first = None
            if self.wanted(frame_name(task.name, 0, source.num_frames)):
                first = self._frame(task, source, 0, Lock())
            keep = source.num_frames > 1
        finally:
            if not keep:
                source.close()
        return (source if keep else None), first

    def _frame(self, task: Task, source: ImageSource, index: int, lock: Lock) -> Prepared:
        with lock:
            image = source.frame(index)
        spacing = None if source.spacing is None else (source.spacing.row_mm, source.spacing.column_mm)
        origin = Origin(
            str(source.path),
            index,
            source.num_frames,
            spacing,
            source.spacing_note,
            source.exif_orientation,
            source.to_stored,
            str(source.path) if source.num_frames > 1 else task.file.video,
        )
        return self.maker(self._request(task, image, origin))

    def _request(self, task: Task, image: np.ndarray, origin: Origin) -> Request:
        name = frame_name(task.name, origin.frame, origin.num_frames)
        coarse = task.coarse.find(name) if isinstance(task.coarse, CoarseMasks) else task.coarse
        if isinstance(coarse, (str, os.PathLike)):
            coarse = read_coarse(coarse, image.shape, self.coarse_kind)
        elif coarse is not None:
            coarse = _checked(coarse, name)
        return Request(name, image, origin, coarse, task.boxes, task.points)


def frame_name(name: str, index: int, num_frames: int) -> str:
    """Returns what a frame's results are called: the file's name, with the frame's number where there are several."""
    return name if num_frames == 1 else f"{name}_f{index:04d}"


def _checked(coarse, name: str) -> np.ndarray:
    """Returns a coarse mask that was given as an array, (H, W) float32 in [0, 1]."""
    array = np.asarray(coarse.cpu() if isinstance(coarse, torch.Tensor) else coarse)
    array = array[0] if array.ndim == 3 and len(array) == 1 else array
    if array.dtype.kind not in "buif" or array.ndim != 2 or array.size == 0:
        raise UserError(f"{name}: a coarse mask is (H, W) numbers in [0, 1], but this is {array.dtype} {array.shape}")
    array = array.astype(np.float32)
    if not (array.min() >= 0 and array.max() <= 1):
        raise UserError(f"{name}: a coarse mask lies in [0, 1], but this one has {array.min():g} to {array.max():g}")
    return array
