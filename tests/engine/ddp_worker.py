"""One process of distributed runs without a GPU; started by test_distributed.py, as torchrun would.

Usage: python ddp_worker.py WORK_DIR. Trains the toy model over a stage boundary; then with batch norm that trains, an EMA and accumulated
gradients, once unbroken and once stopped by a signal to the second process; then with a frozen layer that is shared out; and writes what this rank ended with.
"""

import os
import signal
import sys
from pathlib import Path

import torch
from engine_toys import toy_config
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from torch import nn

from ultraref.engine import ShardedDataParallel, UltraRunner
from ultraref.errors import RunStopped
from ultraref.registry import MODELS
from ultraref.testing.tiny_models import tiny_sam

STAGES = {
    "refiner": {"train": ["refiner"]},
    "joint": {"epoch": 1, "train": ["refiner", "coarse.[01]"], "eval": ["coarse.*:BatchNorm*"]},
}
FROZEN = {"refiner": {"train": ["refiner"]}}
AVERAGED = [{"type": "EMAHook", "momentum": 0.1}]
ACCUMULATED = {"optimizer": {"type": "AdamW", "lr": 0.01}, "accumulative_counts": 2}


class SignalToSecond(Hook):
    """In the third iteration, whose gradients wait for the fourth."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.rank == 1 and runner.iter == 2:
            os.kill(os.getpid(), signal.SIGTERM)


def build(folder: Path, name: str, **options) -> UltraRunner:
    cfg = toy_config(
        folder / name if name else folder,
        epochs=2,
        launcher="pytorch",
        env_cfg={"dist_cfg": {"backend": "gloo", "init_method": f"file://{folder}/rendezvous"}},
        # Gradients are averaged over ranks, so two ranks of batch 2 step as one of batch 4: only without dropout.
        model={"type": "ToyModel", "dropout": 0.0},
        **options,
    )
    cfg.experiment_name = f"engine_test_ddp_{name}_{cfg.get('resume')}"
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.batch_size = 2
    return UltraRunner.from_cfg(cfg)


class Encoder(nn.Module):
    """A tiny SAM's frozen image encoder with LoRA, which computes its blocks again in the backward pass."""

    def __init__(self):
        super().__init__()
        sam = tiny_sam(freeze=["image_encoder", "prompt_encoder"], lora={"rank": 2, "alpha": 2.0})
        sam["image_encoder"]["checkpoint_activations"] = True
        torch.manual_seed(0)
        self.sam = MODELS.build(sam)
        for parameter in self.sam.image_encoder.parameters():
            nn.init.normal_(parameter, std=0.3)

    def forward(self, images):
        return self.sam.image_encoder(images).square().mean()


def encoder_gradients(wrapper: type, **options) -> tuple[dict, int]:
    """Gradients of LoRA's weights behind a wrapper, and how many numbers of the encoder this process keeps."""
    model = wrapper(module=Encoder(), find_unused_parameters=True, **options)
    rank = torch.distributed.get_rank()
    model(torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(rank))).backward()
    parameters = dict(model.module.sam.image_encoder.named_parameters())
    gradients = {name: p.grad for name, p in parameters.items() if p.grad is not None}
    return gradients, sum((p.to_local() if hasattr(p, "to_local") else p).numel() for p in parameters.values())


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    hooks = [{"type": "ProgressiveUnfreezeHook", "stages": STAGES}]
    runner = build(folder, "", hooks=hooks, optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}})
    before = {name: p.detach().clone() for name, p in runner.model.module.named_parameters()}
    runner.train()
    after = {name: p.detach().clone() for name, p in runner.model.module.named_parameters()}
    indices = [index for _, index in runner.train_dataloader.sampler]
    score = float(runner.message_hub.get_scalar("val/score").current())

    options = {"hooks": AVERAGED, "optim_wrapper": ACCUMULATED}
    unbroken = build(folder, "unbroken", **options)
    unbroken.train()
    buffers = {name: buffer.clone() for name, buffer in unbroken.model.module.named_buffers()}
    stopped = build(folder, "stopped", **options)
    stopped.register_hook(SignalToSecond())
    reached = None
    try:
        stopped.train()
    except RunStopped:
        reached = stopped.iter
    build(folder, "stopped", resume=True, **options).train()
    # The frozen layer whole in each process, and shared out.
    options = {"hooks": [{"type": "ProgressiveUnfreezeHook", "stages": FROZEN}], "optim_wrapper": ACCUMULATED}
    build(folder, "whole", **options).train()
    wrapper = {"type": "ShardedDataParallel", "shard": ["coarse.0"]}
    sharded = build(folder, "sharded", model_wrapper_cfg=wrapper, **options)
    sharded.train()
    share = sharded.model.module.coarse[0].weight.to_local().shape
    build(folder, "continued", model_wrapper_cfg=wrapper, resume=str(folder / "sharded/last.pth"), **options).train()
    shard = [f"sam.image_encoder.blocks.*.{part}" for part in ("attn.qkv", "attn.proj", "mlp")]
    gradients, kept = zip(
        encoder_gradients(MMDistributedDataParallel), encoder_gradients(ShardedDataParallel, shard=shard)
    )
    torch.save(
        {
            "before": before,
            "after": after,
            "indices": indices,
            "score": score,
            "buffers": buffers,
            "stopped_after": reached,
            "share": tuple(share),
            "gradients": gradients,
            "kept": kept,
        },
        folder / f"rank{runner.rank}.pt",
    )


if __name__ == "__main__":
    main()
