"""Parts as ONNX files."""

import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ultraref.apis.export.parts import Part
from ultraref.errors import MissingLibraryError, UserError

SUFFIX = ".onnx"
# What torch's exporter writes without converting versions, and ONNX Runtime reads since 1.14.
OPSET = 18
# A protobuf message, and so a file that holds its weights, ends at 2 GiB.
_LARGEST_FILE = 2**31 - 2**24
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def require_packages() -> None:
    """Raises MissingLibraryError if the packages of the extra `export` aren't there."""
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingLibraryError(f"--format onnx needs {', '.join(missing)}: pip install 'ultraref[export]'")


def save(part: Part, examples: Sequence[Tensor], path: Path) -> None:
    """Writes a part whose batch size is free.

    Args:
        part: what is written.
        examples: its inputs, a batch of at least 2.
        path: the file. Weights of more than 2 GiB lie beside it, as PATH.data.

    Raises:
        UserError: something in the part has no form in ONNX.
    """
    # `dynamo=False`, the older exporter, writes sizes of one batch into the graph of the image encoder.
    batch, shapes = torch.export.Dim("batch", min=1), torch.export.ShapesCollection()
    for tensor in examples:
        shapes[tensor] = {0: batch}
    weights = sum(p.numel() * p.element_size() for p in part.module.parameters())
    # The processor's own attention gives a layout in memory that the exporter's doesn't have, and views of it would be recorded.
    with _quiet(), sdpa_kernel(SDPBackend.MATH):
        try:
            program = torch.export.export(part.module, tuple(examples), dynamic_shapes=shapes, strict=False)
            torch.onnx.export(
                program,
                (),
                path,
                dynamo=True,
                input_names=list(part.inputs),
                output_names=list(part.outputs),
                opset_version=OPSET,
                external_data=weights > _LARGEST_FILE,
                verbose=False,
            )
        # Of many kinds: of torch.export, of the exporter, of onnxscript's optimizer.
        except Exception as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UserError(f"export: {path.stem} has no form in ONNX: {first}") from error


def load(path: Path) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """Returns a function that runs a file with ONNX Runtime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        arrays = [np.ascontiguousarray(tensor.numpy()) for tensor in inputs]
        return [torch.from_numpy(array) for array in session.run(None, dict(zip(names, arrays)))]

    return run


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps torch's exporter from telling how it goes about it."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
