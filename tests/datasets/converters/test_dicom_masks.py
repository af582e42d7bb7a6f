"""DICOM Segmentations of every type, and references that lead nowhere."""

import copy

import numpy as np
import pydicom
import pytest

from ultraref.datasets.converters.dicom_masks import SegmentIndex, read_segments
from ultraref.datasets.dicom_segmentation import write_segmentation
from ultraref.errors import UserError
from ultraref.testing.dicom_files import write_dicom

pytestmark = pytest.mark.filterwarnings("ignore:The string")

# Not a multiple of 8 pixels, so that the frames of a binary segmentation begin within a byte.
SHAPE = (13, 21)


def make_loop(folder, frames: int = 3):
    """Returns paths of a loop and of its segmentation, and the masks."""
    masks = np.random.default_rng(0).random((frames, *SHAPE)) < 0.3
    image = write_dicom(folder / "us.dcm", np.zeros((frames, *SHAPE), np.uint8))
    write_segmentation(image, masks, folder / "seg.dcm")
    return image, folder / "seg.dcm", masks


def index_of(path, **changes) -> SegmentIndex:
    header = pydicom.dcmread(path)
    for keyword, value in changes.items():
        setattr(header, keyword, value)
    header.save_as(path)
    index = SegmentIndex()
    index.add(path, pydicom.dcmread(path, stop_before_pixels=True))
    return index


def uid_of(path) -> str:
    return pydicom.dcmread(path).SOPInstanceUID


def test_binary_frames_come_back(tmp_path):
    image, segmentation, masks = make_loop(tmp_path, 5)
    index = index_of(segmentation)
    assert dict(index.counts) == {"lesion": 5}
    found = index.of_image(uid_of(image), 5, image)
    assert list(found) == [0, 1, 2, 3, 4]
    for frame, segments in found.items():
        np.testing.assert_array_equal(read_segments(segments, SHAPE, image), masks[frame])
    assert index.of_image("1.2.3", 5, image) == {}
    assert not read_segments([], SHAPE, image).any()


def test_a_fraction_of_one_half_is_lesion(tmp_path):
    image, segmentation, _ = make_loop(tmp_path, 1)
    values = (np.arange(13 * 21) % 200).astype(np.uint8)
    data = values.tobytes() + b"\0"
    eight_bits = dict(BitsAllocated=8, BitsStored=8, HighBit=7, SegmentationType="FRACTIONAL")
    index = index_of(segmentation, **eight_bits, MaximumFractionalValue=120, PixelData=data)
    (segments,) = index.of_image(uid_of(image), 1, image).values()
    np.testing.assert_array_equal(read_segments(segments, SHAPE, image), values.reshape(SHAPE) >= 60)


def test_a_label_map_has_its_segments_apart(tmp_path):
    image, segmentation, _ = make_loop(tmp_path, 1)
    values = (np.arange(13 * 21) % 3).astype(np.uint8)
    header = pydicom.dcmread(segmentation)
    second = copy.deepcopy(header.SegmentSequence[0])
    second.SegmentNumber, second.SegmentLabel = 2, "gland"
    index = index_of(
        segmentation,
        SegmentSequence=[header.SegmentSequence[0], second],
        SegmentationType="LABELMAP",
        **dict(BitsAllocated=8, BitsStored=8, HighBit=7),
        PixelData=values.tobytes() + b"\0",
    )
    (segments,) = index.of_image(uid_of(image), 1, image).values()
    masks = {segment.label: read_segments([segment], SHAPE, image) for segment in segments}
    np.testing.assert_array_equal(masks["lesion"], values.reshape(SHAPE) == 1)
    np.testing.assert_array_equal(masks["gland"], values.reshape(SHAPE) == 2)


def test_what_leads_nowhere(tmp_path):
    image, segmentation, _ = make_loop(tmp_path)
    index = index_of(segmentation)
    with pytest.raises(UserError, match=r"has 2 frames, and its segmentation .*seg\.dcm refers to frame 3 of it"):
        index.of_image(uid_of(image), 2, image)
    (segments, *_) = index.of_image(uid_of(image), 3, image).values()
    with pytest.raises(UserError, match=r"the segmentation is 13 x 21 .*us\.dcm is 21 x 13"):
        read_segments(segments, SHAPE[::-1], image)
    header = pydicom.dcmread(segmentation)
    for group in header.PerFrameFunctionalGroupsSequence:
        del group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
    header.save_as(segmentation)
    with pytest.raises(UserError, match="refers to no frame of it"):
        index_of(segmentation).of_image(uid_of(image), 3, image)
    for group in header.PerFrameFunctionalGroupsSequence:
        del group.DerivationImageSequence
    header.save_as(segmentation)
    assert index_of(segmentation).bad == [f"{segmentation}: doesn't say of which image its frame 1 is"]
    assert "segmentation type 'SURFACE' isn't read" in index_of(segmentation, SegmentationType="SURFACE").bad[0]
