"""Small DICOM ultrasound files, for tests."""

from pathlib import Path

import numpy as np


def make_dicom(pixels: np.ndarray, syntax: str | None = None, **attributes):
    """Returns a pydicom Dataset of an ultrasound image, or of a cine loop.

    Args:
        pixels: (H, W) or (N, H, W) grey, or with a last axis of 3 RGB; uint8, uint16 or int16. Native little-endian.
        syntax: transfer syntax UID; None is Explicit VR Little Endian. A compressed one needs an encoder's plug-in.
        attributes: elements by keyword, set in the place of the ones made here; None removes one.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import (
        ExplicitVRLittleEndian,
        UltrasoundImageStorage,
        UltrasoundMultiFrameImageStorage,
        generate_uid,
    )

    colour = pixels.ndim > 2 and pixels.shape[-1] == 3
    frames = pixels if pixels.ndim == 3 + colour else pixels[None]
    storage = UltrasoundMultiFrameImageStorage if len(frames) > 1 else UltrasoundImageStorage
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = storage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.FrameOfReferenceUID = generate_uid()
    dataset.Modality, dataset.PatientName, dataset.PatientID = "US", "Phantom", "phantom"
    dataset.PatientBirthDate = dataset.PatientSex = dataset.AccessionNumber = dataset.StudyID = ""
    dataset.StudyDate = dataset.StudyTime = dataset.ReferringPhysicianName = ""
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    dataset.Rows, dataset.Columns = frames.shape[1:3]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    if len(frames) > 1:
        dataset.NumberOfFrames, dataset.FrameTime = len(frames), 40
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    if len(dataset.PixelData) % 2:
        dataset.PixelData += b"\0"
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    if syntax is not None:
        dataset.compress(syntax, generate_instance_uid=False)
    return dataset


def write_dicom(path: str | Path, pixels: np.ndarray, syntax: str | None = None, **attributes) -> Path:
    """Writes `make_dicom` as a file with preamble, and returns its path."""
    make_dicom(pixels, syntax, **attributes).save_as(path, enforce_file_format=True)
    return Path(path)


def ultrasound_region(delta_x: float, delta_y: float, units: int = 3, spatial_format: int = 1, data_type: int = 1):
    """Returns an item of SequenceOfUltrasoundRegions: pixel size `delta_x`, `delta_y` in `units` (3 is cm)."""
    from pydicom.dataset import Dataset

    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = spatial_format, data_type, 0
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 10, 10
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = units
    region.PhysicalDeltaX, region.PhysicalDeltaY = delta_x, delta_y
    return region
