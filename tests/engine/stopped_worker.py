"""A run with two data workers and more iterations than anybody waits for; started by test_processes.py.

Usage: python stopped_worker.py WORK_DIR. Prints a line before each iteration, with the numbers of its data workers.
"""

import multiprocessing
import sys

import torch
from engine_toys import toy_config
from mmengine.hooks import Hook

from ultraref.engine import UltraRunner


class Talker(Hook):
    """Says where the run is."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        print("iteration", runner.iter, *(child.pid for child in multiprocessing.active_children()), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    cfg = toy_config(
        sys.argv[1], epochs=100_000, workers=2, train_cfg={"by_epoch": True, "max_epochs": 10**5, "val_interval": 10**5}
    )
    cfg.val_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.experiment_name = "engine_test_stopped"
    runner = UltraRunner.from_cfg(cfg)
    runner.register_hook(Talker())
    runner.train()
