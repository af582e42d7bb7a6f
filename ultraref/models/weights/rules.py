"""Whether a recipe uses published weights as they were trained.

A rule is a function in RULES: of a record and what a recipe does, to what is wrong and what to set, or None.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import print_log

from ultraref.errors import UserError
from ultraref.models.weights.profile import WeightsProfile


@dataclass(frozen=True)
class WeightsUse:
    """What a recipe does with weights. What is None isn't known where the question is asked, and isn't judged.

    Attributes:
        scale: how images are scaled, "imagenet" or "minmax".
        fit: how images come into SAM's square, "pad" or "squash".
        prompts: kinds of prompts that SAM is given, of `PROMPTS`.
        candidates: masks that SAM is asked for, 1 or 3.
    """

    scale: str | None = None
    fit: str | None = None
    prompts: frozenset[str] | None = None
    candidates: int | None = None


def scale_rule(profile: WeightsProfile, use: WeightsUse) -> str | None:
    """Measured on BUSI with LiteMedSAM and true boxes: Dice 0.92 scaled as in training, 0.50 otherwise."""
    if None in (use.scale, profile.scale) or use.scale == profile.scale:
        return None
    return (
        f"their images are scaled {profile.scale!r}, but this SAM scales them {use.scale!r}: set "
        f"image_encoder.scale={profile.scale!r} in the SAM's config"
    )


def fit_rule(profile: WeightsProfile, use: WeightsUse) -> str | None:
    """Measured likewise: Dice 0.920 padded, 0.908 squashed."""
    if None in (use.fit, profile.fit) or use.fit == profile.fit:
        return None
    return (
        f"their images were fitted into the square by {profile.fit!r}, here by {use.fit!r}: set sam_fit={profile.fit!r} of "
        "ResizeToModels in the pipelines"
    )


def prompts_rule(profile: WeightsProfile, use: WeightsUse) -> str | None:
    """Measured likewise: Dice 0.79 with a point added to the box."""
    if None in (use.prompts, profile.prompts):
        return None
    strange = [kind for kind in sorted(use.prompts) if kind not in profile.prompts]
    if not strange:
        return None
    trained, given = " and ".join(profile.prompts), " and ".join(strange)
    return (
        f"they were trained with {trained} prompts only, and are given {given} as well: take those out of the "
        "refiner's prompts"
    )


def candidates_rule(profile: WeightsProfile, use: WeightsUse) -> str | None:
    """SAM's single mask has a token of its own, and the three others stay untrained where only it was trained."""
    if profile.candidates != 1 or use.candidates in (None, 1):
        return None
    return f"they were trained to give one mask, and are asked for {use.candidates}: set multimask=False"


RULES: tuple[Callable[[WeightsProfile, WeightsUse], str | None], ...] = (
    scale_rule,
    fit_rule,
    prompts_rule,
    candidates_rule,
)


def check_use(
    profile: WeightsProfile,
    use: WeightsUse,
    source: str | Path,
    *,
    permission: str | None = None,
    allowed: bool = False,
) -> None:
    """Refuses a use that the weights weren't trained for.

    Args:
        profile: record of the weights.
        use: what the recipe does.
        source: where they come from, for the message.
        permission: the setting that allows it, for the message; None where there is none.
        allowed: log a warning instead of the error, because that was set, or because no more is called for.

    Raises:
        UserError: a rule is broken; all that are are listed.
    """
    broken = [problem for rule in RULES if (problem := rule(profile, use)) is not None]
    if not broken:
        return
    message = f"{source} holds weights of {profile.title}, which this config uses otherwise than they were trained:\n"
    message += "\n".join(f"  - {problem}" for problem in broken)
    if allowed:
        ending = "" if permission is None else f"\nAllowed by {permission}."
        print_log(message + ending, logger="current", level=logging.WARNING)
        return
    raise UserError(message + (f"\nChange the config, or set {permission} if this is on purpose" if permission else ""))
