"""Finds the record of a file."""

import hashlib
import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from torch import nn

from ultraref import provenance
from ultraref.models.weights.medsam import LITE_MEDSAM, MEDSAM_V01, MEDSAM_VIT_B
from ultraref.models.weights.mobile_sam import MOBILE_SAM
from ultraref.models.weights.profile import WeightsProfile
from ultraref.models.weights.sam import SAM_VIT_B, SAM_VIT_H, SAM_VIT_L
from ultraref.models.weights.timm_encoders import TF_EFFICIENTNET_LITE0
from ultraref.models.weights.transunet import R50_VIT_B_16
from ultraref.models.weights.ultrasound_sams import SAM_MED2D, SAMUS, ULTRASAM

PROFILES = (
    SAM_VIT_B,
    SAM_VIT_L,
    SAM_VIT_H,
    MEDSAM_V01,
    MEDSAM_VIT_B,
    LITE_MEDSAM,
    MOBILE_SAM,
    R50_VIT_B_16,
    TF_EFFICIENTNET_LITE0,
    SAM_MED2D,
    SAMUS,
    ULTRASAM,
)


def weights_folder() -> Path:
    """Returns the folder of published weights: that of the environment variable ULTRAREF_WEIGHTS, else `weights`."""
    return Path(os.environ.get("ULTRAREF_WEIGHTS") or "weights")


def find_profile(path: str | Path) -> WeightsProfile | None:
    """Returns the record of a file, known by its content, else by its name.

    The content is hashed only where the size is that of a record. A name that contains "medsam", in any case, counts as
    one of the MedSAM family: of LiteMedSAM if it contains "lite" as well. A file that only its name tells, and whose
    content isn't what is published under that name, has a record of its own: it wants its images and prompts as the
    other does, and has seen what the other has, but nothing says what else it has seen.

    Raises:
        FileNotFoundError: there is no such file.
    """
    path = Path(path)
    for profile in PROFILES:
        if profile.sha256 is not None and is_file_of(profile, path):
            return profile
    name = path.name.lower()
    for profile in PROFILES:
        if profile.file_name.lower() == name:
            return profile if profile.sha256 is None else _relative(profile, path)
    if "medsam" in name:
        return _relative(LITE_MEDSAM if "lite" in name else MEDSAM_VIT_B, path)
    return None


def is_file_of(profile: WeightsProfile, path: Path) -> bool:
    """Whether a file has the size and hash of a record that states both."""
    return profile.size == path.stat().st_size and profile.sha256 == sha256_of(path)


def note_weights(module: nn.Module, path: str | Path) -> None:
    """Notes on a module that it was filled with a file of published weights (`ultraref.provenance`)."""
    profile = find_profile(path)
    if profile is not None:
        provenance.record_weights(module, profile.name, profile.to_plain())
    else:
        provenance.record_unlisted(module, Path(path).name, "not among the published files that ultraref knows")


def sha256_of(path: str | Path) -> str:
    """Returns the sha256 of a file; computed once as long as the file doesn't change."""
    path = Path(path).resolve()
    status = path.stat()
    return _sha256(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _relative(profile: WeightsProfile, path: Path) -> WeightsProfile:
    """The record of a file that is called like another, and isn't it."""
    return replace(
        profile,
        name=path.name,
        file_name=path.name,
        seen={name: seen for name, seen in profile.seen.items() if seen.state in ("seen", "presumed")},
        note=f"it is called like {profile.title}, but is another file",
        urls=(),
        wheel=None,
        size=None,
        sha256=None,
    )
