"""Writes masks of a DICOM image or cine loop as a DICOM Segmentation object (DICOM PS3.3, A.51), by highdicom."""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ultraref.atomic import atomic_file
from ultraref.datasets.readers.decoding import decoding
from ultraref.errors import MissingLibraryError, UserError
from ultraref.version import __version__

# What a segmentation takes over, but may have empty; anonymised files lack them.
_MAY_BE_EMPTY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns")
# The segmentation's series is the image's plus this, so that it sorts behind the study's own.
_SERIES_OFFSET = 1000


def write_segmentation(source_path: str | Path, masks: Sequence[np.ndarray], out_path: str | Path) -> None:
    """Writes a binary segmentation of one segment, the lesion, that refers to the image it was made of.

    Patient and study are the image's. Frame k of the segmentation is that of frame k of the image, empty ones included.

    Args:
        source_path: the DICOM image or cine loop.
        masks: a mask for each frame in order, (H, W) of the image's height and width; what isn't 0 is lesion.
        out_path: the file, written as a whole or not at all.

    Raises:
        MissingLibraryError: highdicom isn't installed.
        UserError: the masks don't fit the image, the image lacks what a segmentation refers to, or the file can't be written.
    """
    try:
        import highdicom
        import pydicom
    except ImportError as error:
        raise MissingLibraryError(
            f"DICOM Segmentation needs highdicom ({error}): pip install 'ultraref[dicom]'"
        ) from error
    with decoding(source_path, "DICOM"):
        source = pydicom.dcmread(source_path, stop_before_pixels=True)
        lacking = [keyword for keyword in _REQUIRED if not source.get(keyword)]
    if lacking:
        raise UserError(f"{source_path}: lacks {', '.join(lacking)}, so that no segmentation can refer to it")
    pixels = _stack(masks, source, source_path)
    with decoding(source_path, "the image of a segmentation"):
        segmentation = _segment_single(highdicom, source, pixels[0])
        if source.get("NumberOfFrames") is not None:
            _refer_to_frames(segmentation, pixels, source.SOPClassUID)
    with atomic_file(out_path) as file:
        segmentation.save_as(file)


def _stack(masks: Sequence[np.ndarray], source, path: str | Path) -> np.ndarray:
    """Returns (frames, H, W) uint8 in {0, 1}."""
    frames = max(int(source.get("NumberOfFrames") or 1), 1)
    shape = (source.Rows, source.Columns)
    shapes = sorted({mask.shape for mask in masks})
    if len(masks) != frames or shapes != [shape]:
        raise UserError(
            f"{path}: has {frames} frames of {shape[0]} x {shape[1]} (height x width), but there are {len(masks)} masks of "
            f"{', '.join(' x '.join(map(str, found)) for found in shapes) or 'no size'}"
        )
    return np.stack([mask != 0 for mask in masks]).astype(np.uint8)


def _segment_single(highdicom, source, mask: np.ndarray):
    """Returns the segmentation of the image, or of a cine loop taken as a single image: highdicom knows no frames in time."""
    from pydicom.uid import UltrasoundImageStorage

    single = copy.deepcopy(source)
    if "NumberOfFrames" in single:
        # highdicom expects functional groups of an enhanced class.
        single.SOPClassUID = UltrasoundImageStorage
        del single.NumberOfFrames
    if "FrameOfReferenceUID" in single and "ImagePositionPatient" not in single:
        # A frame of reference in which the image has no place.
        del single.FrameOfReferenceUID
    for keyword in _MAY_BE_EMPTY:
        if keyword not in single:
            setattr(single, keyword, "")
    return highdicom.seg.Segmentation(
        source_images=[single],
        pixel_array=mask,
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_describe_lesion(highdicom)],
        series_instance_uid=highdicom.UID(),
        series_number=int(source.get("SeriesNumber") or 0) + _SERIES_OFFSET,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="ultraref",
        manufacturer_model_name="ultraref",
        software_versions=__version__,
        device_serial_number="0",
        omit_empty_frames=False,
    )


def _describe_lesion(highdicom):
    from pydicom.sr.codedict import codes

    algorithm = highdicom.AlgorithmIdentificationSequence(
        name="ultraref", version=__version__, family=codes.cid7162.ArtificialIntelligence
    )
    return highdicom.seg.SegmentDescription(
        segment_number=1,
        segment_label="lesion",
        segmented_property_category=codes.cid7150.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Lesion,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
    )


def _refer_to_frames(segmentation, pixels: np.ndarray, storage: str) -> None:
    """Makes the segmentation of a first frame that of all: a second dimension is the position in time, from 1 up."""
    from pydicom.dataset import Dataset
    from pydicom.pixels.utils import pack_bits
    from pydicom.tag import Tag

    dimension = Dataset()
    dimension.DimensionOrganizationUID = segmentation.DimensionIndexSequence[0].DimensionOrganizationUID
    dimension.DimensionIndexPointer = Tag("TemporalPositionIndex")
    dimension.FunctionalGroupPointer = Tag("FrameContentSequence")
    dimension.DimensionDescriptionLabel = "Temporal Position Index"
    segmentation.DimensionIndexSequence.append(dimension)
    (first,) = segmentation.PerFrameFunctionalGroupsSequence
    reference = first.DerivationImageSequence[0].SourceImageSequence[0]
    for item in (
        reference,
        segmentation.SourceImageSequence[0],
        segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0],
    ):
        item.ReferencedSOPClassUID = storage
    groups = []
    for number in range(1, len(pixels) + 1):
        group = copy.deepcopy(first)
        group.FrameContentSequence[0].TemporalPositionIndex = number
        group.FrameContentSequence[0].DimensionIndexValues = [1, number]
        group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber = number
        groups.append(group)
    segmentation.PerFrameFunctionalGroupsSequence = groups
    segmentation.NumberOfFrames = len(pixels)
    segmentation.PixelData = pack_bits(pixels)
