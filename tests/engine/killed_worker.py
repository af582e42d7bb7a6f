"""A run that somebody else kills; started by test_killed_run.py. Usage: python killed_worker.py WORK_DIR.

Prints a line before each iteration and at each save.
"""

import sys

import torch
from engine_toys import toy_config
from mmengine.hooks import Hook

from ultraref.engine import UltraRunner


class Talker(Hook):
    """Says where the run is, so that it can be killed there."""

    priority = "LOWEST"

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        print("iteration", runner.iter, flush=True)

    def before_save_checkpoint(self, runner, checkpoint):
        print("save", runner.iter, flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    hooks = [{"type": "EMAHook", "momentum": 0.1}]
    optim_wrapper = {"optimizer": {"type": "AdamW", "lr": 0.01}, "accumulative_counts": 2}
    cfg = toy_config(sys.argv[1], epochs=6, hooks=hooks, optim_wrapper=optim_wrapper, resume=True)
    cfg.experiment_name = "engine_test_killed"
    runner = UltraRunner.from_cfg(cfg)
    runner.register_hook(Talker())
    runner.train()
    print("done", flush=True)
