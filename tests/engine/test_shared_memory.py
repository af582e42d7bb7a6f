"""Data workers: a small /dev/shm is named before the run, and a worker that is killed or hangs ends it with a reason."""

import os
import shutil
import signal
import time
from types import SimpleNamespace

import pytest
import torch
from engine_toys import ToyDataset, toy_config
from mmengine.structures import PixelData

from ultraref.engine.shared_memory import PATIENCE, check_shared_memory, explain_data_workers, tensor_bytes
from ultraref.errors import UserError
from ultraref.registry import DATASETS
from ultraref.structures import SegDataSample


def test_bytes_of_a_sample():
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.zeros(1, 8, 8, dtype=torch.uint8)), metainfo={"name": "a"})
    inputs = {"coarse": torch.zeros(3, 4, 4), "points": [torch.zeros(2, dtype=torch.float64)] * 2}
    assert tensor_bytes({"inputs": inputs, "data_samples": sample}) == 3 * 16 * 4 + 2 * 2 * 8 + 64


@pytest.fixture
def loader():
    """Batches of 24 float images of 3 x 1024 x 1024: 288 MiB each."""
    dataset = {(0, 5): {"inputs": torch.zeros(3, 1024, 1024)}}
    return SimpleNamespace(dataset=dataset, sampler=[(0, 5)], batch_size=24, num_workers=4, prefetch_factor=2)


def test_what_workers_keep_ready_must_fit(loader, monkeypatch, tmp_path):
    free = {"MiB": 64}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free["MiB"] * 2**20))
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    # 4 workers with 2 batches each, and two that are in use.
    with pytest.raises(
        UserError, match=r"has 64 MiB free, but 4 data workers keep up to 2,880 MiB .*--shm-size.*num_workers=0"
    ):
        check_shared_memory(loader, str(tmp_path))
    free["MiB"] = 2880
    check_shared_memory(loader, str(tmp_path))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with pytest.raises(UserError, match=r"up to 5,760 MiB there: batches of 288\.0 MiB, 2 a worker, in 2 processes"):
        check_shared_memory(loader, str(tmp_path))
    loader.num_workers = 0
    check_shared_memory(loader, str(tmp_path))
    loader.num_workers = 4
    check_shared_memory(loader, str(tmp_path / "nowhere"))


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
