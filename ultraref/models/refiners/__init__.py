"""Refiners: (image, p) -> q, everything before the gate."""

from ultraref.models.refiners.base import Alternatives, BaseRefiner, RefinerInputs, RefinerOutput
from ultraref.models.refiners.sam_refiner import SAMRefiner
from ultraref.models.refiners.searching_refiner import SearchingRefiner

__all__ = ["Alternatives", "BaseRefiner", "RefinerInputs", "RefinerOutput", "SAMRefiner", "SearchingRefiner"]
