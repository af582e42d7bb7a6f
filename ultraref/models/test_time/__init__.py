"""Models for a test: an image seen several ways, or by several checkpoints, and the mean of what is said of it."""

from ultraref.models.test_time.checkpoint_ensemble import CheckpointEnsemble
from ultraref.models.test_time.flip_tta_model import FlipTTAModel
from ultraref.models.test_time.mean_prediction import mean_prediction

__all__ = ["CheckpointEnsemble", "FlipTTAModel", "mean_prediction"]
