"""Whether a model is being exported: the graph must hold for every batch size and device."""

import torch

# torch < 2.7 doesn't tell exporting from compiling.
_is_exporting = getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)


def being_exported() -> bool:
    """Whether torch records a graph of what runs, to be kept: `torch.export`, or `torch.jit.trace`.

    What is cut into parts for the sake of a processor's caches is then done at once, as the number of parts, which depends on
    the batch, would be written into the graph. Sizes that depend on the batch are `x.shape[0]`, never `len(x)`, for the same reason.
    """
    return torch.jit.is_tracing() or _is_exporting()
