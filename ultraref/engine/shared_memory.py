"""Shared memory, through which data workers hand their batches to the run: whether there is enough."""

import os
import shutil
from collections.abc import Mapping, Sequence

from mmengine.structures import BaseDataElement
from torch import Tensor
from torch.utils.data import DataLoader

from ultraref.errors import UserError

SHARED_MEMORY = "/dev/shm"
_MIB = 2**20


def check_shared_memory(loader: DataLoader, folder: str = SHARED_MEMORY) -> None:
    """Compares what a loader's workers keep ready with the shared memory that is free.

    Tensors of a batch lie there from when a worker has made them until the run has let go of them. That is `prefetch_factor`
    batches a worker, and the two that the run has at hand, in each process of this machine; one sample is loaded to see how large they are.
    Too little ends a worker with a bus error, or leaves it waiting.

    Args:
        loader: with or without workers.
        folder: where the system keeps shared memory; a system that has none there isn't checked.

    Raises:
        UserError: there is less than that.
    """
    if not loader.num_workers or not os.path.isdir(folder):
        return
    batch = (loader.batch_size or 1) * tensor_bytes(loader.dataset[next(iter(loader.sampler))])
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    needed = batch * (loader.num_workers * (loader.prefetch_factor or 2) + 2) * processes
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{folder} has {free / _MIB:,.0f} MiB free, but {loader.num_workers} data workers keep up to {needed / _MIB:,.0f} MiB there: "
            f"batches of {batch / _MIB:,.1f} MiB, {loader.prefetch_factor or 2} a worker"
            f"{f', in {processes} processes' if processes > 1 else ''}. In Docker give it more (--shm-size=8g, or --ipc=host); else fewer "
            "workers or none: --cfg-options train_dataloader.num_workers=0 train_dataloader.persistent_workers=False, and the same of "
            "val_dataloader and test_dataloader"
        )


def tensor_bytes(value) -> int:
    """Returns how many bytes the tensors in a sample have, in whatever dicts, lists and data elements they are."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, BaseDataElement):
        return sum(tensor_bytes(item) for item in value.values())
    if isinstance(value, Mapping):
        return sum(map(tensor_bytes, value.values()))
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return sum(map(tensor_bytes, value))
    return 0
