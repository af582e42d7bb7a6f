"""Distributed training in which the frozen weights of large parts lie on all devices together, a share on each."""

from collections.abc import Sequence

import torch
from mmengine.model import MMDistributedDataParallel
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from ultraref.engine.module_globs import select_modules
from ultraref.errors import UserError
from ultraref.registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class ShardedDataParallel(MMDistributedDataParallel):
    """Data-parallel training with fully sharded frozen weights (FSDP2, `torch.distributed.fsdp.fully_shard`).

    A frozen image encoder has no gradients to exchange, but each device holds all of it: ViT-H 2.5 GB. Here each of n processes keeps
    1/n of the frozen weights of the chosen modules, and a module's weights are gathered for the time that it computes, again in the
    backward pass. What trains, LoRA's weights in those modules among it, is handled as ever: optimizer, gradients and checkpoints see plain
    tensors, and the results are those of MMDistributedDataParallel. Checkpoints hold whole weights.

    Set as `model_wrapper_cfg` of a config. A run of one process isn't wrapped, so that there it means nothing.

    Args:
        module: the model; its frozen parameters don't require grad.
        shard: globs over the names of modules, e.g. "sam.image_encoder.blocks.*.mlp". They must be called as modules, not read
            from outside: a module's weights are whole only while it computes.
        **options: as for `MMDistributedDataParallel`.

    Raises:
        UserError: a glob matches nothing, or a weight that is shared out already is to be trained.
    """

    def __init__(self, module: nn.Module, shard: Sequence[str], **options):
        for name, part in _outermost(module, select_modules(module, shard, "model_wrapper_cfg.shard")):
            _shard_frozen(part, name)
        shared = [name for name, parameter in module.named_parameters() if isinstance(parameter, DTensor)]
        self._set_params_and_buffers_to_ignore_for_model(module, shared)
        super().__init__(module=module, **{"broadcast_buffers": False, **options})


def full_state_dict(model: nn.Module) -> dict[str, Tensor]:
    """Returns the state dict of a model with whole weights. All processes call it together if some weights are shared out."""
    state = model.state_dict()
    for name, value in state.items():
        if isinstance(value, DTensor):
            state[name] = value.full_tensor()
    return state


def _outermost(model: nn.Module, modules: Sequence[nn.Module]) -> list[tuple[str, nn.Module]]:
    """Names and modules, without those within another."""
    chosen, found = {id(module) for module in modules}, []
    for name, module in model.named_modules():
        if id(module) in chosen and not any(name.startswith(f"{outer}.") for outer, _ in found):
            found.append((name, module))
    return found


def _shard_frozen(module: nn.Module, name: str) -> None:
    if isinstance(module, FSDPModule):
        # The model is wrapped again when another stage of the training begins.
        thawed = [key for key, p in module.named_parameters() if isinstance(p, DTensor) and p.requires_grad]
        if thawed:
            raise UserError(
                f"{name}.{thawed[0]} is to be trained, but its weights are shared out among the processes as frozen ones; leave the "
                "module out of model_wrapper_cfg.shard"
            )
        return
    trained = {p for p in module.parameters() if p.requires_grad}
    if trained == set(module.parameters()):
        return
    device = next(module.parameters()).device.type
    mesh = init_device_mesh(device, (torch.distributed.get_world_size(),))
    fully_shard(module, mesh=mesh, ignored_params=trained)
    for inner in module.modules():
        if any(isinstance(p, DTensor) for p in inner.parameters(recurse=False)):
            inner.register_load_state_dict_pre_hook(_take_shares)


def _take_shares(module: nn.Module, state: dict[str, Tensor], prefix: str, *_) -> None:
    """Puts this process's shares in the place of whole weights that are about to be loaded."""
    for name, parameter in module.named_parameters(recurse=False):
        value = state.get(prefix + name)
        if isinstance(parameter, DTensor) and value is not None and not isinstance(value, DTensor):
            # No message between the processes: each has read the file.
            state[prefix + name] = distribute_tensor(
                value.to(parameter.device), parameter.device_mesh, parameter.placements, src_data_rank=None
            )
