"""What tools and notebooks call."""

from ultraref.apis.bundle import load_bundle
from ultraref.apis.calibrate_gate import calibrate_gate
from ultraref.apis.config import load_config
from ultraref.apis.inferencer import UltraRefInferencer
from ultraref.apis.model import init_model
from ultraref.apis.predict import predict_files
from ultraref.apis.predict_coarse import predict_coarse
from ultraref.apis.test import test
from ultraref.apis.train import train

__all__ = [
    "UltraRefInferencer",
    "calibrate_gate",
    "init_model",
    "load_bundle",
    "load_config",
    "predict_coarse",
    "predict_files",
    "test",
    "train",
]
