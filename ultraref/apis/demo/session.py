"""What one user of the page has open, and what is said of it. Nothing here knows of Gradio."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ultraref import __version__
from ultraref.apis.demo.demo_model import DemoModel
from ultraref.apis.demo.gate_choice import GateChoice
from ultraref.apis.demo.prompting import Ask, Box, Point, questions
from ultraref.apis.inference.files import stem
from ultraref.apis.inference.measurements import measure
from ultraref.apis.inference.reading import frame_name
from ultraref.apis.inference.sample import Origin
from ultraref.datasets.readers import encode_mask_png, read_coarse
from ultraref.datasets.readers.open_source import source_of_stream
from ultraref.errors import UserError
from ultraref.structures import SegDataSample

# Steps that can be undone. One of the brush holds (H, W) bool.
MAX_STEPS = 50
MAX_POINTS = 50
# Most places of one stroke of the brush; a mouse gives about 100 a second.
MAX_STROKE = 5000
THRESHOLD = 0.5


@dataclass(frozen=True)
class Question:
    """What the user has said of the image, in its pixels; a coarse mask is (H, W) bool, or float32 in [0, 1]."""

    coarse: np.ndarray | None = None
    points: tuple[Point, ...] = ()
    box: Box | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return self.coarse is None and not self.points and self.box is None


@dataclass(frozen=True)
class Answer:
    """What the model said: the sample, with its own gate, and what SAM was asked (None: the model asked by itself)."""

    sample: SegDataSample
    asked: Ask | None


class Session:
    """One user's image, question and answer. A step that fails changes nothing.

    Args:
        model: shared with other sessions.
        max_pixels: most pixels of an image.

    Attributes:
        image: (H, W) uint8 grey, upright; None before one is opened.
        name: of the image, without suffix; of a frame where there are several.
        origin: how the file's pixels lie.
        question: as it is now.
        answer: None while there is nothing to answer.
        gate: as it was chosen.
    """

    def __init__(self, model: DemoModel, max_pixels: int):
        self.model, self.max_pixels = model, max_pixels
        self.image: np.ndarray | None = None
        self.name = ""
        self.origin = Origin()
        self.question, self.answer = Question(), None
        self.gate = GateChoice()
        # Of a file with further frames.
        self._content: bytes | None = None
        self._steps: list[Question] = []

    def open(self, content: bytes, file_name: str, frame: int = 0) -> None:
        """Opens an image, in the place of the one before.

        Args:
            content: of a file of any format that `open_source` reads.
            file_name: its name.
            frame: number of the frame, from 0.

        Raises:
            UserError: the file can't be read, or is too large.
        """
        with source_of_stream(io.BytesIO(content), file_name, self.max_pixels) as source:
            if not 0 <= frame < source.num_frames:
                raise UserError(f"{file_name}: has the frames 0 to {source.num_frames - 1}, but {frame} was asked for")
            image = source.frame(frame)
            spacing = None if source.spacing is None else (source.spacing.row_mm, source.spacing.column_mm)
            place = (file_name, frame, source.num_frames, spacing, source.spacing_note)
            origin = Origin(*place, source.exif_orientation, source.to_stored)
        name = frame_name(stem(file_name), frame, origin.num_frames)
        answer = self._answer(Question(), image, name)
        self.image, self.name, self.origin = image, name, origin
        self.question, self.answer, self._steps = Question(), answer, []
        self._content = content if origin.num_frames > 1 else None

    def show_frame(self, frame: int) -> None:
        """Goes to another frame of the file, which begins anew."""
        if self._content is None:
            raise UserError("open an image of several frames first")
        self.open(self._content, self.origin.path, frame)

    def prepare(self) -> None:
        """Makes the embedding of the image ahead of the first question."""
        if self.image is not None:
            self.model.prepare(self.image)

    def add_point(self, x: float, y: float, label: int) -> None:
        """Adds a point in the lesion (label 1) or in the background (0)."""
        if label not in (0, 1):
            raise UserError(f"the label of a point is {label!r}; it is 1 in the lesion and 0 in the background")
        if len(self.question.points) >= MAX_POINTS:
            raise UserError(f"there are {MAX_POINTS} points already; undo some")
        ((x, y),) = self._places([(x, y)], most=1)
        self._go_on(replace(self.question, points=(*self.question.points, (x, y, int(label)))))

    def set_box(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Draws the box between two opposite corners, in the place of the one before."""
        (ax, ay), (bx, by) = self._places([(x1, y1), (x2, y2)], most=2)
        box = (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            raise UserError("the box has no area; drag from one corner of the lesion to the opposite one")
        self._go_on(replace(self.question, box=box))

    def paint(self, stroke: Sequence[Sequence[float]], radius: float, erase: bool = False) -> None:
        """Adds a stroke of a round brush to the coarse mask, or takes it away.

        Args:
            stroke: (x, y) of the brush's centre along the way.
            radius: of the brush, in pixels of the image.
            erase: take away.
        """
        places = np.rint(self._places(stroke, most=MAX_STROKE)).astype(np.int32)
        height, width = self.image.shape
        if not isinstance(radius, (int, float)) or not 0.5 <= radius <= max(height, width):
            raise UserError(f"the radius of the brush is {radius!r}; it must lie between 0.5 px and the image's size")
        canvas = (self._coarse() > THRESHOLD).astype(np.uint8)
        value = 0 if erase else 1
        cv2.polylines(canvas, [places], False, value, thickness=max(1, round(2 * radius)))
        for x, y in places[[0, -1]]:
            cv2.circle(canvas, (int(x), int(y)), round(radius), value, -1)
        self._go_on(replace(self.question, coarse=self._given(canvas.astype(bool))))

    def load_coarse(self, path: str | Path, kind: str = "auto") -> None:
        """Takes a file as the coarse mask, by the rules of `read_coarse`; points and box go."""
        self._need_image()
        self._go_on(Question(coarse=self._given(read_coarse(path, self.image.shape, kind))))

    def clear(self) -> None:
        """Takes everything back that was said of the image; this can be undone."""
        if not self.question.is_empty:
            self._go_on(Question())

    def undo(self) -> None:
        """Takes the last step back, if there is one."""
        if self._steps:
            self.answer = self._answer(self._steps[-1], self.image, self.name)
            self.question = self._steps.pop()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._steps)

    def result(self) -> SegDataSample | None:
        """Returns the answer with the chosen gate."""
        return None if self.answer is None else self.gate.apply(self.answer.sample)

    def mask(self) -> np.ndarray:
        """Returns the refined mask, (H, W) bool, in the image's frame.

        Raises:
            UserError: there is none yet.
        """
        sample = self.result()
        if sample is None:
            raise UserError("there is no mask yet; click the lesion, draw a box, or give a coarse mask")
        return sample.native_prob(sample.final).numpy() > THRESHOLD

    def mask_png(self) -> bytes:
        """Returns the refined mask as a PNG of 0 and 255, in the size, pixel order and EXIF orientation of the image's file."""
        mask = self.mask().astype(np.uint8) * np.uint8(255)
        return encode_mask_png(self.origin.to_stored(mask), self.origin.exif_orientation)

    def measurements(self) -> dict:
        """Returns the row of the refined mask, see `measure`.

        Raises:
            UserError: there is no mask yet.
        """
        mask, sample = self.mask(), self.result()
        coarse = sample.native_prob("coarse").numpy() > THRESHOLD if "coarse" in sample else None
        return measure(sample, mask, coarse, self.origin)

    def to_json(self) -> str:
        """Returns the measurements, and what was asked, as JSON: coordinates in pixels of the upright image, pixel centres at integers."""
        question, asked = self.question, self.answer and self.answer.asked
        record = dict(
            measurements=self.measurements(),
            given=dict(points=question.points, box=question.box, coarse_mask=question.coarse is not None),
            asked=None if asked is None else asdict(asked),
            gate=asdict(self.gate),
            threshold=THRESHOLD,
            model=self.model.title,
            ultraref=__version__,
        )
        return json.dumps(record, indent=2) + "\n"

    def _go_on(self, question: Question) -> None:
        self._need_image()
        answer = self._answer(question, self.image, self.name)
        self._steps = [*self._steps, self.question][-MAX_STEPS:]
        self.question, self.answer = question, answer

    def _answer(self, question: Question, image: np.ndarray, name: str) -> Answer | None:
        asks, prompted = [], bool(question.points) or question.box is not None
        if prompted:
            asks = questions(question.points, question.box, question.coarse, image.shape, self.model.knows_points)
        if not asks and question.coarse is None and not self.model.makes_coarse:
            return None
        return Answer(*self.model.ask(name, image, question.coarse, asks))

    def _coarse(self) -> np.ndarray:
        """The coarse probability as it is now, (H, W); 0 where there is none."""
        self._need_image()
        if self.question.coarse is not None:
            return self.question.coarse
        if self.answer is not None and "coarse" in self.answer.sample:
            return self.answer.sample.native_prob("coarse").numpy()
        return np.zeros(self.image.shape, np.float32)

    def _given(self, coarse: np.ndarray) -> np.ndarray | None:
        """An empty mask is as good as none, unless it takes the place of the model's own."""
        return coarse if coarse.any() or self.model.makes_coarse else None

    def _places(self, values: Sequence[Sequence[float]], most: int) -> list[tuple[float, float]]:
        """Checks places that a browser sent; those beside the image come to its edge."""
        self._need_image()
        try:
            places = np.asarray(values, np.float64)
        except (TypeError, ValueError):
            places = np.empty(0)
        if places.ndim != 2 or places.shape[1] != 2 or not 1 <= len(places) <= most or not np.isfinite(places).all():
            raise UserError(f"expected 1 to {most} places (x, y) in the image")
        height, width = self.image.shape
        return [tuple(place) for place in places.clip(0, (width - 1, height - 1)).tolist()]

    def _need_image(self) -> None:
        if self.image is None:
            raise UserError("open an image first")
