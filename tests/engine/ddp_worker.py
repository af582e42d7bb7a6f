"""One process of distributed runs without a GPU; started by test_distributed.py, as torchrun would.

Usage: python ddp_worker.py WORK_DIR. Trains the toy model over a stage boundary; then with batch norm that trains, an EMA and accumulated
gradients, once unbroken and once stopped by a signal to the second process; and writes what this rank ended with.
"""

import os
import signal
import sys
from pathlib import Path

import torch
from engine_toys import toy_config
from mmengine.hooks import Hook

from ultraref.engine import UltraRunner
from ultraref.errors import RunStopped

STAGES = {
    "refiner": {"train": ["refiner"]},
    "joint": {"epoch": 1, "train": ["refiner", "coarse.[01]"], "eval": ["coarse.*:BatchNorm*"]},
}
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
    torch.save(
        {
            "before": before,
            "after": after,
            "indices": indices,
            "score": score,
            "buffers": buffers,
            "stopped_after": reached,
        },
        folder / f"rank{runner.rank}.pt",
    )


if __name__ == "__main__":
    main()
