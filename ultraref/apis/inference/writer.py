"""Predictions as files: masks, probabilities, overlays, gate maps."""

import io
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np

from ultraref.apis.inference.measurements import measure
from ultraref.apis.inference.sample import Origin
from ultraref.atomic import atomic_file
from ultraref.datasets.image_io import encode_rgb_png
from ultraref.datasets.readers import encode_grey_png, encode_mask_png
from ultraref.errors import UserError
from ultraref.structures import SegDataSample
from ultraref.visualization import draw_overlay

# What can be written, and how its files end; each kind has a folder of its name.
OUTPUTS = {
    "masks": ".png",
    "probabilities": ".npy",
    "overlays": ".png",
    "gates": ".png",
    "sam": ".npy",
    "dicom-seg": ".dcm",
}
_THREADS = 2
# Predictions that may wait for the disk.
_AHEAD = 16


class PredictionWriter:
    """Writes predictions in threads of its own; all are there when the context that it manages ends.

    Masks and maps have the size and the pixel order of the file that they belong to, and carry its EXIF orientation, so that they
    lie right on it whether a program obeys that or not. Everything is written as a whole or not at all, below the folder.

    masks/NAME.png: 0 and 255. probabilities/NAME.npy: float32 in [0, 1]. sam/NAME.npy and gates/NAME.png: SAM's probability before the gate,
    and the gate, 0 to 255, of a model that has them. overlays/NAME.png: outlines of coarse and refined mask. dicom-seg/NAME.dcm: a DICOM
    Segmentation with all frames, of a DICOM file.

    Args:
        folder: receives all of it.
        outputs: which of OUTPUTS.
        threshold: a pixel is lesion where its probability is above it.
        on_written: called with the row of each prediction (`measurements.COLUMNS`) once all of its files are there.

    Attributes:
        rows: of what is written.

    Raises:
        UserError: an output is unknown, or the threshold out of range; later, a file can't be written.
    """

    def __init__(
        self,
        folder: Path,
        outputs: Sequence[str] = ("masks",),
        threshold: float = 0.5,
        on_written: Callable[[dict], None] | None = None,
    ):
        unknown = sorted(set(outputs) - set(OUTPUTS))
        if unknown:
            raise UserError(f"there is no output {', '.join(unknown)}; there are {', '.join(OUTPUTS)}")
        if not 0 < threshold < 1:
            raise UserError(f"the threshold is {threshold}; it must lie between 0 and 1")
        self.folder, self.outputs, self.threshold = Path(folder), tuple(outputs), threshold
        self.on_written = on_written or (lambda row: None)
        self.rows: list[dict] = []
        self._pool = ThreadPoolExecutor(_THREADS)
        self._waiting: deque[Future] = deque()
        # Masks of a DICOM file by frame, until all are there.
        self._frames: dict[str, dict[int, np.ndarray]] = defaultdict(dict)
        self._lock = Lock()

    def __enter__(self) -> "PredictionWriter":
        return self

    def __exit__(self, kind, *_) -> None:
        try:
            if kind is None:
                self._drain(0)
        finally:
            self._pool.shutdown(cancel_futures=True)

    def add(self, sample: SegDataSample, image: np.ndarray, origin: Origin) -> None:
        """Writes one prediction, soon.

        Args:
            sample: a prediction, on the CPU.
            image: (H, W) uint8, upright.
            origin: of the image.
        """
        self._drain(_AHEAD)
        self._waiting.append(self._pool.submit(self._write, sample, image, origin))

    def _drain(self, most: int) -> None:
        """Waits until at most so many predictions are unwritten."""
        while len(self._waiting) > most:
            row = self._waiting.popleft().result()
            self.rows.append(row)
            self.on_written(row)

    def _write(self, sample: SegDataSample, image: np.ndarray, origin: Origin) -> dict:
        name = sample.metainfo["name"]
        prob = sample.native_prob(sample.final).numpy()
        mask = prob > self.threshold
        for output in self.outputs:
            if output == "dicom-seg":
                self._add_to_segmentation(name, mask, origin)
            elif (content := self._encode(output, sample, prob, image, origin)) is not None:
                with atomic_file(self._path(output, name), durable=False) as file:
                    file.write(content)
        coarse = sample.native_prob("coarse").numpy() > 0.5 if "coarse" in sample else None
        return measure(sample, mask, coarse, origin)

    def _encode(
        self, output: str, sample: SegDataSample, prob: np.ndarray, image: np.ndarray, origin: Origin
    ) -> bytes | None:
        """Returns the content of a file; None where the model has no such thing to say."""
        if output == "masks":
            mask = (prob > self.threshold).astype(np.uint8) * np.uint8(255)
            return encode_mask_png(origin.to_stored(mask), origin.exif_orientation)
        if output == "probabilities":
            return _npy(origin.to_stored(prob))
        if output == "overlays":
            return encode_rgb_png(draw_overlay(image, sample))
        if output == "sam" and "sam" in sample:
            return _npy(origin.to_stored(sample.native_prob("sam").numpy()))
        if output == "gates" and "gate" in sample:
            gate = np.rint(255 * sample.native_prob("gate").numpy()).astype(np.uint8)
            return encode_grey_png(origin.to_stored(gate), origin.exif_orientation)
        return None

    def _add_to_segmentation(self, name: str, mask: np.ndarray, origin: Origin) -> None:
        if origin.path is None:
            raise UserError(f"{name}: an array has no DICOM file that a DICOM Segmentation could belong to")
        with self._lock:
            frames = self._frames[origin.path]
            frames[origin.frame] = mask
            if len(frames) < origin.num_frames:
                return
            del self._frames[origin.path]
        from ultraref.datasets.dicom_segmentation import write_segmentation

        # One file for all frames is called as the file is.
        if origin.num_frames > 1:
            name = name.rpartition("_f")[0]
        masks = np.stack([frames[index] for index in range(origin.num_frames)]).astype(np.uint8)
        write_segmentation(origin.path, masks, self._path("dicom-seg", name))

    def _path(self, output: str, name: str) -> Path:
        """Where a file goes: always below the folder."""
        folder = self.folder / output
        path = folder / f"{name}{OUTPUTS[output]}"
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise UserError(f"{name!r} leads out of {folder}; rename the image")
        return path


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array, np.float32), allow_pickle=False)
    return buffer.getvalue()
