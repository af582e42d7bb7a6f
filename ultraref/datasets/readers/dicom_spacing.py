"""Pixel spacing and place of the tissue picture in ultrasound, from where they are certain.

PixelSpacing (0028,0030) is not: an ultrasound picture has several regions (tissue, Doppler, a second view), each with a scale of its
own, and programs write values into it that were never calibrated.
"""

import math

from ultraref.datasets.readers.base import PixelSpacing

_TWO_DIMENSIONAL, _TISSUE, _CENTIMETRES = 1, 1, 3
# Regions of one scale differ in the last digits that were written.
_RELATIVE_TOLERANCE = 1e-3
# What may stand in the place of regions where there are none, in this order.
_STATED = ("PixelSpacing", "ImagerPixelSpacing")


def tissue_regions(header) -> list:
    """Returns the 2-D tissue regions (RegionSpatialFormat 1, RegionDataType 1) of SequenceOfUltrasoundRegions (0018,6011).

    Args:
        header: pydicom Dataset.
    """
    return [
        region
        for region in header.get("SequenceOfUltrasoundRegions") or []
        if region.get("RegionSpatialFormat") == _TWO_DIMENSIONAL and region.get("RegionDataType") == _TISSUE
    ]


def region_box(region, height: int, width: int) -> tuple[int, int, int, int] | None:
    """Returns (top, left, bottom, right) of a region in an image, half open, cut off at its edges; None where nothing is left.

    RegionLocationMaxX1 and MaxY1 are the last pixel of the region (DICOM PS3.3, C.8.5.5).
    """
    corners = [region.get(f"RegionLocation{name}") for name in ("MinY0", "MinX0", "MaxY1", "MaxX1")]
    if None in corners:
        return None
    top, left = (max(int(value), 0) for value in corners[:2])
    bottom, right = min(int(corners[2]) + 1, height), min(int(corners[3]) + 1, width)
    return (top, left, bottom, right) if top < bottom and left < right else None


def read_spacing(header) -> tuple[PixelSpacing | None, str]:
    """Returns the spacing by SequenceOfUltrasoundRegions (0018,6011), and where it comes from or why there is none.

    It counts where all 2-D tissue regions, one at least, are calibrated in cm (PhysicalUnits 3) and agree (DICOM PS3.3, C.8.5.5).

    Args:
        header: pydicom Dataset.
    """
    if not header.get("SequenceOfUltrasoundRegions"):
        if header.get("PixelSpacing") is not None:
            return None, "PixelSpacing without SequenceOfUltrasoundRegions is not certain"
        return None, "no SequenceOfUltrasoundRegions"
    tissue = tissue_regions(header)
    if not tissue:
        return None, "SequenceOfUltrasoundRegions has no 2-D tissue region"
    spacings = [_spacing_of(region) for region in tissue]
    if None in spacings:
        return None, "a 2-D tissue region has no scale in cm"
    first = spacings[0]
    if not all(_agree(first, other) for other in spacings[1:]):
        return None, f"{len(tissue)} 2-D tissue regions have different scales"
    return first, "SequenceOfUltrasoundRegions" + (f", {len(tissue)} regions that agree" if len(tissue) > 1 else "")


def stated_spacing(header) -> tuple[PixelSpacing | None, str]:
    """As `read_spacing`, but an image without any region has what PixelSpacing or else ImagerPixelSpacing states.

    For a table that says where its numbers come from; a measurement takes `read_spacing`.
    """
    spacing, note = read_spacing(header)
    if spacing is not None or header.get("SequenceOfUltrasoundRegions"):
        return spacing, note
    for keyword in _STATED:
        lengths = header.get(keyword)
        if lengths is None or isinstance(lengths, str) or len(lengths) != 2:
            continue
        lengths = [float(length) for length in lengths]
        if all(math.isfinite(length) and length > 0 for length in lengths):
            return PixelSpacing(*lengths), f"{keyword}, without SequenceOfUltrasoundRegions"
    return None, note


def _spacing_of(region) -> PixelSpacing | None:
    lengths = []
    for axis in ("Y", "X"):
        length = region.get(f"PhysicalDelta{axis}")
        if region.get(f"PhysicalUnits{axis}Direction") != _CENTIMETRES or length is None:
            return None
        # Negative where the axis points up or to the left.
        lengths.append(abs(float(length)) * 10)
    if not all(math.isfinite(length) and length > 0 for length in lengths):
        return None
    return PixelSpacing(*lengths)


def _agree(a: PixelSpacing, b: PixelSpacing) -> bool:
    return all(
        math.isclose(one, other, rel_tol=_RELATIVE_TOLERANCE)
        for one, other in ((a.row_mm, b.row_mm), (a.column_mm, b.column_mm))
    )
