"""Distributed training without a GPU, which MMEngine's runner takes for granted."""

import datetime
import os
from collections.abc import Mapping

from mmengine.model import MMDistributedDataParallel
from torch import distributed, nn

from ultraref.errors import UserError
from ultraref.registry import MODEL_WRAPPERS


def start_gloo(launcher: str, options: Mapping) -> None:
    """Starts the process group of processes that torchrun started.

    Args:
        launcher: what started them.
        options: of `torch.distributed.init_process_group`; `timeout` in seconds.

    Raises:
        UserError: it was another launcher.
    """
    if launcher != "pytorch":
        raise UserError(
            f"launcher {launcher!r} needs GPUs; without one, start the run with torchrun and --launcher pytorch"
        )
    options = {**options, "backend": "gloo"}
    if "timeout" in options:
        options["timeout"] = datetime.timedelta(seconds=options["timeout"])
    rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    distributed.init_process_group(**options, rank=rank, world_size=world_size)


def wrap_on_cpu(model: nn.Module, wrapper: Mapping | None, find_unused_parameters: bool) -> nn.Module:
    """Wraps a model for distributed training, without the device ids that torch refuses on the CPU.

    Args:
        model: the model.
        wrapper: config of a model wrapper, or None for `MMDistributedDataParallel`.
        find_unused_parameters: as of `torch.nn.parallel.DistributedDataParallel`, where `wrapper` doesn't say it.
    """
    config = wrapper or {"type": MMDistributedDataParallel}
    options = {"find_unused_parameters": find_unused_parameters, "broadcast_buffers": False}
    return MODEL_WRAPPERS.build({**options, **config, "module": model})
