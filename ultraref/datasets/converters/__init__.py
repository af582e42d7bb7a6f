"""From the published archives to the one layout that `LesionDataset` reads."""

from ultraref.datasets.converters.annotations import find_annotations
from ultraref.datasets.converters.bus import find_bus
from ultraref.datasets.converters.bus_uc import find_bus_uc
from ultraref.datasets.converters.bus_uclm import find_bus_uclm
from ultraref.datasets.converters.busbra import find_busbra
from ultraref.datasets.converters.busi import find_busi
from ultraref.datasets.converters.coco import find_coco
from ultraref.datasets.converters.convert import convert
from ultraref.datasets.converters.dicom import find_dicom
from ultraref.datasets.converters.folder import find_folder
from ultraref.datasets.converters.label_names import LabelNames
from ultraref.datasets.converters.mask_classes import LesionChoice
from ultraref.datasets.converters.nifti import find_nifti
from ultraref.datasets.converters.raw_sample import Found, RawSample
from ultraref.datasets.converters.report import ConversionReport
from ultraref.datasets.converters.table import find_table
from ultraref.datasets.converters.to_coco import to_coco

__all__ = [
    "ConversionReport",
    "Found",
    "LabelNames",
    "LesionChoice",
    "RawSample",
    "convert",
    "find_annotations",
    "find_bus",
    "find_bus_uc",
    "find_bus_uclm",
    "find_busbra",
    "find_busi",
    "find_coco",
    "find_dicom",
    "find_folder",
    "find_nifti",
    "find_table",
    "to_coco",
]
