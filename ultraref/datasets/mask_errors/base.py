"""The contract of a simulated segmentation error, and the check of the ground truth that it starts from."""

import re
from abc import ABCMeta, abstractmethod

import numpy as np

from ultraref.errors import UserError


class BaseMaskError(metaclass=ABCMeta):
    """One way in which a coarse network fails: a map from a lesion mask to the mask that it might have predicted.

    A subclass implements :meth:`apply`, is registered in ``MASK_ERRORS`` and lies in a file of its own. Its docstring
    states a contract, which binds the binary output in native pixels on every sample. Where a mask leaves no room
    for the contract (a lesion of three pixels, one that fills the frame), ``params['fallback']`` names what was done
    instead; the key is absent otherwise.

    Attributes:
        needs_lesion: Whether a mask without lesion or without background is refused. False for the secondary
            perturbations, which come after an error that may have emptied the mask.
    """

    needs_lesion = True

    @property
    def name(self) -> str:
        """The class's name in snake case, as the records carry it."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    def __call__(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        """Simulate the error on one mask.

        Args:
            mask: (H, W) uint8 in {0, 1}, native pixels. Never modified.
            rng: All randomness comes from it; the same state gives the same bytes.

        Returns:
            A new (H, W) uint8 array in {0, 1}, and the parameters drawn, as plain Python numbers, strings and lists.

        Raises:
            ValueError: ``mask`` is not of that form, or has no lesion or no background where one is needed.
        """
        check_mask(mask, needs_lesion=self.needs_lesion)
        return self.apply(np.ascontiguousarray(mask), rng)

    @abstractmethod
    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        """As ``__call__``, for a checked, contiguous mask, which must not be written to or returned."""


def check_mask(mask: np.ndarray, needs_lesion: bool = True) -> None:
    """Refuse what is not an (H, W) uint8 mask in {0, 1}, and say what it is.

    Args:
        mask: The array to check.
        needs_lesion: Refuse masks of zeros alone and of ones alone, too.

    Raises:
        ValueError: With the dtype, shape or values found, and the remedy.
    """
    if not isinstance(mask, np.ndarray):
        raise UserError(f"a lesion mask must be a numpy array, found {type(mask).__name__}")
    if mask.ndim != 2 or mask.size == 0:
        raise UserError(f"a lesion mask must have the shape (height, width), found {mask.shape}")
    if mask.dtype != np.uint8:
        found = f"dtype {mask.dtype}"
        if mask.dtype.kind == "f" and np.isnan(mask).any():
            found += f" with {int(np.isnan(mask).sum())} NaN values"
        raise UserError(f"a lesion mask must be uint8 in {{0, 1}}, found {found}; convert it when it is loaded")
    highest = int(mask.max())
    if highest > 1:
        raise UserError(
            f"a lesion mask must be in {{0, 1}}, found values up to {highest}; divide a 0/255 mask by 255 first"
        )
    if not needs_lesion:
        return
    if highest == 0:
        raise UserError("the lesion mask is empty: there is nothing to get wrong; leave normal images out")
    if int(mask.min()) == 1:
        raise UserError("the lesion mask fills the whole frame: without background there is no boundary to get wrong")
