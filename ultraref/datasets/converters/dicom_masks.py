"""Which frame of which DICOM Segmentation (DICOM PS3.3, A.51) is the mask of which frame of which image."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ultraref.bounded_stream import BoundedStream
from ultraref.datasets.readers.decoding import MAX_PIXELS, check_size, decoding
from ultraref.datasets.readers.dicom import import_pydicom
from ultraref.errors import UserError

_BINARY, _FRACTIONAL, _LABEL_MAP = "BINARY", "FRACTIONAL", "LABELMAP"
_TYPES = (_BINARY, _FRACTIONAL, _LABEL_MAP)


@dataclass(frozen=True)
class SegmentFrame:
    """One frame of a segmentation, as the mask of one segment.

    Attributes:
        path: the segmentation.
        index: its frame, from 0 up.
        label: of the segment, as SegmentLabel has it.
        kind: "BINARY", "FRACTIONAL" or "LABELMAP".
        number: what a pixel of the segment holds in a label map; the value of certainty in a fractional one; 1 in a binary one.
    """

    path: Path
    index: int
    label: str
    kind: str
    number: int

    def mask(self) -> np.ndarray:
        """Returns (H, W) uint8 in {0, 1}; of a fraction, lesion is what reaches one half.

        Raises:
            UserError: the frame can't be decoded.
        """
        import_pydicom()
        from pydicom.pixels import pixel_array

        with open(self.path, "rb") as stream, decoding(self.path, "DICOM Segmentation"):
            values = pixel_array(BoundedStream(stream), index=self.index)
        if self.kind == _FRACTIONAL:
            return (2 * values.astype(np.uint16) >= self.number).astype(np.uint8)
        return (values == self.number).astype(np.uint8)


class SegmentIndex:
    """The segments of many segmentations by the image's SOP instance UID and frame.

    Attributes:
        counts: frames of each label.
        bad: one message for each segmentation that can't be used.
    """

    def __init__(self):
        self.counts: Counter[str] = Counter()
        self.bad: list[str] = []
        # By frame, from 0 up; None where the segmentation names the image alone.
        self._frames: dict[str, dict[int | None, list[SegmentFrame]]] = {}

    def add(self, path: Path, header) -> None:
        """Takes a segmentation in.

        Args:
            path: the file.
            header: pydicom Dataset of it, without pixels.
        """
        try:
            with decoding(path, "DICOM Segmentation"):
                found = list(_references(path, header))
        except UserError as error:
            self.bad.append(str(error))
            return
        for uid, frame, segment in found:
            self._frames.setdefault(uid, {}).setdefault(frame, []).append(segment)
            self.counts[segment.label] += 1

    def images(self) -> set[str]:
        """Returns the SOP instance UIDs of all images that a segmentation refers to."""
        return set(self._frames)

    def of_image(self, uid: str, num_frames: int, path: Path) -> dict[int, list[SegmentFrame]]:
        """Returns the segments of an image by its frames, those that have any.

        Args:
            uid: SOP instance UID of the image.
            num_frames: how many frames it has.
            path: its file, for messages.

        Raises:
            UserError: a segmentation refers to a frame that isn't there, or not to one of several.
        """
        own = self._frames.get(uid, {})
        strange = [frame for frame in own if (num_frames > 1 if frame is None else frame >= num_frames)]
        if strange:
            segmentation = own[strange[0]][0].path
            what = "no frame" if strange[0] is None else f"frame {strange[0] + 1}"
            raise UserError(
                f"{path}: has {num_frames} frames, and its segmentation {segmentation} refers to {what} of it"
            )
        return {frame or 0: segments for frame, segments in sorted(own.items(), key=lambda item: item[0] or 0)}


def read_segments(segments: Sequence[SegmentFrame], shape: tuple[int, int], image: Path) -> np.ndarray:
    """Returns the union of segments, (H, W) uint8 in {0, 1}.

    Args:
        segments: of one frame of an image; none gives no lesion.
        shape: (height, width) of the image.
        image: its file, for messages.

    Raises:
        UserError: a segment can't be decoded, or has another size than the image.
    """
    union = np.zeros(shape, np.uint8)
    for segment in segments:
        mask = segment.mask()
        if mask.shape != shape:
            raise UserError(
                f"{segment.path}: the segmentation is {mask.shape[0]} x {mask.shape[1]} (height x width), but its image {image} is "
                f"{shape[0]} x {shape[1]}"
            )
        union |= mask
    return union


def _references(path: Path, header) -> Iterable[tuple[str, int | None, SegmentFrame]]:
    """Yields the UID and the frame (from 0 up, or None) of the image that each frame of a segmentation is of."""
    kind = str(header.get("SegmentationType", ""))
    if kind not in _TYPES:
        raise UserError(f"{path}: segmentation type {kind!r} isn't read; what is read is {', '.join(_TYPES)}")
    check_size(path, int(header.Rows), int(header.Columns), MAX_PIXELS)
    labels = {int(item.SegmentNumber): str(item.SegmentLabel).strip() for item in header.SegmentSequence}
    shared = (header.get("SharedFunctionalGroupsSequence") or [None])[0]
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    for index in range(int(header.get("NumberOfFrames") or 1)):
        groups = [per_frame[index] if index < len(per_frame) else None, shared]
        sources = _items(groups, "DerivationImageSequence", "SourceImageSequence") or _only_source(header)
        if not sources:
            raise UserError(f"{path}: doesn't say of which image its frame {index + 1} is")
        if kind == _LABEL_MAP:
            segments = [SegmentFrame(path, index, label, kind, number) for number, label in labels.items() if number]
        else:
            (identification,) = _items(groups, "SegmentIdentificationSequence")
            level = int(header.MaximumFractionalValue) if kind == _FRACTIONAL else 1
            segments = [SegmentFrame(path, index, labels[int(identification.ReferencedSegmentNumber)], kind, level)]
        for source in sources:
            numbers = source.get("ReferencedFrameNumber")
            numbers = [None] if numbers is None else [numbers] if isinstance(numbers, int) else list(numbers)
            for number in numbers:
                frame = None if number is None else int(number) - 1
                yield from ((str(source.ReferencedSOPInstanceUID), frame, segment) for segment in segments)


def _items(groups: Sequence, *keywords: str) -> list:
    """Returns the items of nested sequences in the first of the functional groups that has them."""
    for group in groups:
        items = [group] if group is not None else []
        for keyword in keywords:
            items = [inner for item in items for inner in item.get(keyword) or []]
        if items:
            return items
    return []


def _only_source(header) -> list:
    """Returns the one image that a segmentation of one frame refers to as a whole, if that is so."""
    items = [
        item
        for series in header.get("ReferencedSeriesSequence") or []
        for item in series.get("ReferencedInstanceSequence") or []
    ]
    return items if len(items) == 1 and int(header.get("NumberOfFrames") or 1) == 1 else []
