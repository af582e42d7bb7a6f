"""One process of a distributed run without a GPU; started by test_distributed.py, as torchrun would.

Usage: python ddp_worker.py WORK_DIR. Trains the toy model over a stage boundary and writes what this rank ended with.
"""

import sys
from pathlib import Path

import torch
from engine_toys import toy_config

from ultraref.engine import UltraRunner


def main() -> None:
    torch.set_num_threads(1)
    work_dir = Path(sys.argv[1])
    stages = {
        "refiner": {"train": ["refiner"]},
        "joint": {"epoch": 1, "train": ["refiner", "coarse.[01]"], "eval": ["coarse.*:BatchNorm*"]},
    }
    cfg = toy_config(
        work_dir,
        epochs=2,
        hooks=[{"type": "ProgressiveUnfreezeHook", "stages": stages}],
        launcher="pytorch",
        env_cfg={"dist_cfg": {"backend": "gloo", "init_method": f"file://{work_dir}/rendezvous"}},
        experiment_name="engine_test_ddp",
        # Gradients are averaged over ranks, so two ranks of batch 2 step as one of batch 4: only without dropout.
        model={"type": "ToyModel", "dropout": 0.0},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
    )
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.batch_size = 2
    runner = UltraRunner.from_cfg(cfg)
    before = {name: p.detach().clone() for name, p in runner.model.module.named_parameters()}
    runner.train()
    after = {name: p.detach().clone() for name, p in runner.model.module.named_parameters()}
    indices = [index for _, index in runner.train_dataloader.sampler]
    score = runner.message_hub.get_scalar("val/score").current()
    torch.save(
        {"before": before, "after": after, "indices": indices, "score": float(score)},
        work_dir / f"rank{runner.rank}.pt",
    )


if __name__ == "__main__":
    main()
