"""The augmentor that mixes simulated errors into coarse probability maps."""

import difflib
import math

import numpy as np

from ultraref.datasets.mask_errors.checks import check_probability, check_range
from ultraref.datasets.mask_errors.presets import PRESETS
from ultraref.datasets.mask_errors.regions import area_of, dice
from ultraref.datasets.mask_errors.soft import soften
from ultraref.errors import UserError
from ultraref.registry import MASK_ERRORS

# First and last decile over 518 out-of-fold predictions of phase1/unet.py on BUSI at 224 px (tools/fit_softness.py). The reference's,
# in native pixels (section 3.1.4), is 2 to 8.
TEMPERATURE = (0.6, 2.6)
SECONDARIES = ("BoundaryJitter", "ThresholdFluctuation")


@MASK_ERRORS.register_module()
class MaskErrorAugmentor:
    """A ground truth's lesion mask -> the probability map of a coarse network that got it wrong, and a record.

    One primary error is drawn by weight and applied; with probability ``secondary_prob`` one or two secondary
    perturbations follow, and with probability ``soft_prob`` the result is softened (else it is 0 or 1). All randomness
    comes from the generator passed in.

    Example:
        >>> import numpy as np
        >>> mask = np.zeros((96, 128), np.uint8)
        >>> mask[30:60, 40:90] = 1
        >>> augmentor = MaskErrorAugmentor(preset="mild")
        >>> prob, record = augmentor(mask, np.random.default_rng([0, 0, 7]))
        >>> prob.shape, prob.dtype, ((prob > 0.5).sum() / mask.sum() == record["area_ratio"]).item()
        ((96, 128), dtype('float32'), True)

    Args:
        preset: A name in ``presets.PRESETS``: 'default', 'mild', 'severe', 'boundary_focus' or 'structural'.
        weights: A mixture of one's own in place of the preset's: class names and weights,
            ``dict(OverSegmentation=2, Shift=1)``, or a list of error configs, each with a ``weight``:
            ``[dict(type='OverSegmentation', weight=2, ratio=(1.2, 1.5)), ...]``. Weights need not sum to 1. An error
            that isn't named doesn't occur.
        soft_prob: Probability of a soft map.
        temperature: Range of the sigmoid's temperature, drawn uniformly, in pixels of the coarse network's frame: how soft
            a network's outlines are is set by its resolution, not by the scanner's. `tools/fit_softness.py` fits the range to a network's own predictions.
        secondary_prob: Probability of secondary perturbations.

    Raises:
        ValueError: An unknown preset or error, weights that are no mixture, a preset and weights at once.
    """

    def __init__(
        self,
        preset: str = "default",
        weights: dict | list | None = None,
        soft_prob: float = 0.8,
        temperature: tuple[float, float] = TEMPERATURE,
        secondary_prob: float = 0.5,
    ):
        if preset not in PRESETS:
            raise UserError(f"MaskErrorAugmentor.preset must be one of {sorted(PRESETS)}, found {preset!r}")
        if weights is not None and preset != "default":
            raise UserError(f"MaskErrorAugmentor takes a preset or weights, found preset={preset!r} and weights")
        self.errors, shares = _build_errors(PRESETS[preset] if weights is None else weights)
        self.probabilities = shares / shares.sum()
        self._cumulative = np.cumsum(self.probabilities)
        self.soft_prob = check_probability("MaskErrorAugmentor.soft_prob", soft_prob)
        self.temperature = check_range("MaskErrorAugmentor.temperature", temperature, lowest=1e-3)
        self.secondary_prob = check_probability("MaskErrorAugmentor.secondary_prob", secondary_prob)
        self.secondaries = [MASK_ERRORS.build({"type": name}) for name in SECONDARIES]

    def draw_error(self, rng: np.random.Generator) -> int:
        """Draw the primary error: an index into ``errors``, as likely as ``probabilities`` says."""
        index = int(np.searchsorted(self._cumulative, rng.random(), side="right"))
        # Rounding may leave the last sum a little below 1, and a last weight of 0 must not be drawn for it.
        return min(index, int(np.flatnonzero(self.probabilities)[-1]))

    def __call__(
        self, mask: np.ndarray, rng: np.random.Generator, coarse_pixel: float = 1.0
    ) -> tuple[np.ndarray, dict]:
        """Simulate one coarse prediction.

        Args:
            mask: (H, W) uint8 in {0, 1} with a lesion and background, native pixels. Never modified.
            rng: Source of all randomness; the same state gives the same bytes.
            coarse_pixel: Length of a pixel of the coarse network's frame, in native pixels.

        Returns:
            The (H, W) float32 probability in [0, 1], and the record, in plain Python values:

            - ``error_type``: the primary error in snake case; ``params``: what it drew; ``fallback``: what it did
              where the mask left no room for its contract, or None.
            - ``secondary``: names of the perturbations in the order applied.
            - ``soft``, ``temperature`` in coarse pixels (None if not soft).
            - ``primary_dice``, ``primary_area_ratio``: of the primary error's output against ``mask``; ``dice``,
              ``area_ratio``: of the probability thresholded at 0.5.

        Raises:
            ValueError: ``mask`` is not of that form.
        """
        error = self.errors[self.draw_error(rng)]
        primary, params = error(mask, rng)
        fallback = params.pop("fallback", None)
        perturbed, secondary = self._perturb(primary, rng)
        temperature = rng.uniform(*self.temperature) if rng.random() < self.soft_prob else None
        prob = perturbed.astype(np.float32) if temperature is None else soften(perturbed, temperature * coarse_pixel)
        area = area_of(mask)
        primary_scores = {"dice": dice(primary, mask), "area_ratio": area_of(primary) / area}
        scores = (
            {"dice": dice(perturbed, mask), "area_ratio": area_of(perturbed) / area} if secondary else primary_scores
        )
        record = {
            "error_type": error.name,
            "params": params,
            "secondary": secondary,
            "soft": temperature is not None,
            "temperature": temperature,
            "fallback": fallback,
            **scores,
            **{f"primary_{key}": value for key, value in primary_scores.items()},
        }
        return prob, record

    def _perturb(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
        """Apply none, one or two secondary perturbations; two are different ones, in random order."""
        if rng.random() >= self.secondary_prob:
            return mask, []
        names = []
        for index in rng.permutation(len(self.secondaries))[: rng.integers(1, len(self.secondaries) + 1)]:
            mask, _ = self.secondaries[index](mask, rng)
            names.append(self.secondaries[index].name)
        return mask, names


def _build_errors(weights: dict | list) -> tuple[list, np.ndarray]:
    """Build the errors of a mixture; returns them with their weights (N,) float64."""
    if isinstance(weights, dict):
        configs = [{"type": name, "weight": weight} for name, weight in weights.items()]
    else:
        configs = [dict(config) for config in weights]
    if not configs:
        raise UserError("MaskErrorAugmentor.weights is empty; name at least one error")
    errors, shares = [], []
    for config in configs:
        name = config.get("type")
        if "weight" not in config:
            raise UserError(f"MaskErrorAugmentor.weights: the config of {name!r} has no 'weight'")
        share = config.pop("weight")
        if not isinstance(share, (int, float)) or not math.isfinite(share) or share < 0:
            raise UserError(f"MaskErrorAugmentor.weights: the weight of {name} must be 0 or more, found {share!r}")
        if MASK_ERRORS.get(name) is None:
            known = sorted(PRESETS["default"])
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"MaskErrorAugmentor.weights: no error is called {name!r}, known are {known}{hint}")
        errors.append(MASK_ERRORS.build(config))
        shares.append(float(share))
    if sum(shares) == 0:
        raise UserError("MaskErrorAugmentor.weights are all 0; at least one must be greater")
    return errors, np.array(shares)
