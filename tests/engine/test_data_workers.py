"""A data worker that is killed or hangs ends the run with a reason, and workers end with the run."""

import os
import signal
import time

import pytest
import torch
from engine_toys import ToyDataset, toy_config
from mmengine.hooks import Hook

from ultraref.engine.data_workers import PATIENCE, explain_data_workers
from ultraref.errors import UserError
from ultraref.registry import DATASETS


def test_other_errors_stay_what_they_are():
    assert explain_data_workers(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert "for 600.0 seconds" in str(explain_data_workers(RuntimeError("DataLoader timed out after 600.0 seconds")))


@DATASETS.register_module()
class SlowDataset(ToyDataset):
    """Hangs, or kills the worker that reads it, from the second batch on."""

    def __init__(self, killed=False, **options):
        super().__init__(**options)
        self.killed = killed

    def __getitem__(self, key):
        if torch.utils.data.get_worker_info() and key[1] >= 4:
            if self.killed:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        return super().__getitem__(key)


def config(tmp_path, **options):
    cfg = toy_config(tmp_path, epochs=1, workers=1)
    cfg.train_dataloader.update(options)
    cfg.train_dataloader.sampler.shuffle = False
    cfg.train_dataloader.dataset.type = "SlowDataset"
    return cfg


@pytest.mark.slow
def test_a_batch_that_does_not_come_ends_the_run(tmp_path, make_runner):
    with pytest.raises(UserError, match=r"no batch came .* for 1 seconds.*train_dataloader\.timeout"):
        make_runner(config(tmp_path, timeout=1)).train()


def test_a_killed_worker_ends_the_run_at_once_though_it_may_take_ten_minutes(tmp_path, make_runner):
    cfg = config(tmp_path)
    cfg.train_dataloader.dataset.killed = True
    runner = make_runner(cfg)
    begun = time.monotonic()
    with pytest.raises(UserError, match=r"a data worker was killed \(DataLoader worker \(pid.*--shm-size"):
        runner.train()
    assert time.monotonic() - begun < 30
    assert runner.train_dataloader.timeout == PATIENCE


def test_persistent_workers_end_with_the_run(tmp_path, make_runner):
    runner = make_runner(toy_config(tmp_path, epochs=1, workers=1))
    iterators = []

    class Spy(Hook):
        def after_val_epoch(self, runner, metrics=None):
            iterators.extend([runner.train_dataloader._iterator, runner.val_dataloader._iterator])

    runner.register_hook(Spy())
    runner.train()
    assert [worker.exitcode for iterator in iterators for worker in iterator._workers] == [0, 0]
    assert set(runner.test()) == {"score"}
