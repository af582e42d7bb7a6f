"""A small /dev/shm is named before the run."""

import shutil
from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import PixelData

from ultraref.engine.shared_memory import check_shared_memory, tensor_bytes
from ultraref.errors import UserError
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
