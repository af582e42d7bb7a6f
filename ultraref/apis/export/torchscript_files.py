"""Parts as TorchScript files."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ultraref.apis.export.parts import Part
from ultraref.errors import UserError

SUFFIX = ".pt"


def save(part: Part, examples: Sequence[Tensor], path: Path) -> None:
    """Writes what a part did with one batch; that it holds for others is for the caller to check.

    Args:
        part: what is written.
        examples: its inputs.
        path: the file.

    Raises:
        UserError: the part can't be traced.
    """
    # torch warns of each number that it takes for constant, most of which are, and that it wants people to use torch.export.
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            traced = torch.jit.trace(part.module, tuple(examples), check_trace=False)
        except RuntimeError as error:
            raise UserError(f"export: {path.stem} can't be traced: {str(error).strip().splitlines()[0]}") from error
        torch.jit.save(traced, path)


def load(path: Path) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """Returns a function that runs a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.load(path, map_location="cpu")

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        with torch.no_grad():
            output = module(*inputs)
        return list(output) if isinstance(output, tuple) else [output]

    return run
