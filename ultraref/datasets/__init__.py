"""Data sets, one class per storage layout, and what turns them into samples."""

from ultraref.datasets.base_lesion_dataset import BaseLesionDataset
from ultraref.datasets.coco_dataset import CocoLesionDataset
from ultraref.datasets.collate import stack_collate
from ultraref.datasets.concat import ConcatLesionDataset
from ultraref.datasets.lesion_dataset import LesionDataset
from ultraref.datasets.prediction_store import NetworkIdentity, PredictionManifest, PredictionRequest, PredictionStore
from ultraref.datasets.samplers import EpochSampler
from ultraref.datasets.splits import Splits

__all__ = [
    "BaseLesionDataset",
    "CocoLesionDataset",
    "ConcatLesionDataset",
    "EpochSampler",
    "LesionDataset",
    "NetworkIdentity",
    "PredictionManifest",
    "PredictionRequest",
    "PredictionStore",
    "Splits",
    "stack_collate",
]
