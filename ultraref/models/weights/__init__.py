"""Published weights: a record a file, how a file is found among them, and the rules that go with them."""

from ultraref.models.weights.lookup import PROFILES, find_profile, is_file_of, note_weights, sha256_of, weights_folder
from ultraref.models.weights.profile import FITS, PROMPTS, STATES, Seen, WeightsProfile, WheelFile
from ultraref.models.weights.rules import WeightsUse, check_use
from ultraref.models.weights.seen import ULTRASOUND_SETS, describe_seen, weights_seen
from ultraref.models.weights.timm_encoders import timm_profile

__all__ = [
    "FITS",
    "PROFILES",
    "PROMPTS",
    "STATES",
    "ULTRASOUND_SETS",
    "Seen",
    "WeightsProfile",
    "WeightsUse",
    "WheelFile",
    "check_use",
    "describe_seen",
    "find_profile",
    "is_file_of",
    "note_weights",
    "sha256_of",
    "timm_profile",
    "weights_folder",
    "weights_seen",
]
