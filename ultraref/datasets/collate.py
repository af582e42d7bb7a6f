"""Joins samples into a batch inside the worker, so that each kind of tensor crosses to the device in one copy."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.structures import SegDataSample


def stack_collate(samples: Sequence[dict]) -> dict:
    """Stacks the inputs and the ground truth of packed samples.

    Args:
        samples: what `PackSegInputs` returns: `inputs`, a dict of (C, H, W) tensors, and `data_samples`.

    Returns:
        dict with `inputs`, each (B, C, H, W), among them `gt` (B, 1, H, W) where the samples carry `gt_sem_seg`, and
        `data_samples`, a list of B.

    Raises:
        ValueError: a tensor differs in shape within the batch, or only some samples have it.
    """
    data_samples: list[SegDataSample] = [sample["data_samples"] for sample in samples]
    columns: dict[str, list[Tensor]] = {}
    for sample in samples:
        for name, tensor in sample["inputs"].items():
            columns.setdefault(name, []).append(tensor)
        if "gt_sem_seg" in sample["data_samples"]:
            columns.setdefault("gt", []).append(sample["data_samples"].gt_sem_seg.data)
    inputs = {}
    for name, column in columns.items():
        shapes = sorted({tuple(tensor.shape) for tensor in column})
        if len(shapes) > 1 or len(column) < len(samples):
            names = ", ".join(sample.metainfo.get("name", "?") for sample in data_samples)
            raise UserError(
                f"the samples of one batch ({names}) disagree on {name!r}: {len(column)} of {len(samples)} have it, in "
                f"the shapes {shapes}. ResizeToModels must bring every sample to one size."
            )
        inputs[name] = torch.stack(column)
    return dict(inputs=inputs, data_samples=data_samples)
