"""A model, a data set and a metric small enough that a whole run takes a second; shared by the tests of the engine."""

import hashlib

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from torch import nn
from torch.utils.data import Dataset

import ultraref.datasets.samplers
import ultraref.engine  # noqa: F401  registers what the configs name
from ultraref.registry import DATASETS, METRICS, MODELS


@MODELS.register_module()
class ToyModel(BaseModel):
    """Two parts one after the other, each with dropout and batch norm: coarse -> refiner -> a number per image."""

    def __init__(self, width=8, dropout=0.25):
        super().__init__()
        self.coarse = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.Dropout(dropout))
        self.refiner = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, inputs, targets, mode="tensor"):
        inputs, targets = torch.stack(inputs), torch.stack(targets)
        predicted = self.refiner(self.coarse(inputs))[:, 0]
        if mode == "loss":
            return {"loss": ((predicted - targets) ** 2).mean()}
        return [{"error": float(error)} for error in (predicted - targets).abs()]


@DATASETS.register_module()
class ToyDataset(Dataset):
    """Random vectors, jittered from (seed, epoch, index); image i has the hash of the text i."""

    metainfo = {"classes": ("background", "lesion")}

    def __init__(self, first=0, size=12, seed=0):
        self.indices, self.seed = range(first, first + size), seed

    @property
    def image_hashes(self):
        return {f"image{i}": hashlib.sha256(str(i).encode()).hexdigest() for i in self.indices}

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, key):
        epoch, index = key
        base = np.random.default_rng([7, self.indices[index]]).normal(size=4)
        jitter = np.random.default_rng([self.seed, epoch, index]).normal(size=4)
        inputs = torch.tensor(base + 0.1 * jitter, dtype=torch.float32)
        return {"inputs": inputs, "targets": torch.tensor(float(base.sum()))}


@METRICS.register_module()
class ToyMetric(BaseMetric):
    """Minus the mean error, so that greater is better."""

    def process(self, data_batch, data_samples):
        self.results += data_samples

    def compute_metrics(self, results):
        return {"score": -float(np.mean([result["error"] for result in results]))}


def toy_config(work_dir, epochs=3, workers=0, hooks=(), optim_wrapper=None, **overrides):
    """The config of a run with AdamW, a cosine schedule, validation each epoch, best and last checkpoint."""

    def loader(first, size, shuffle):
        return {
            "batch_size": 4,
            "num_workers": workers,
            "persistent_workers": workers > 0,
            "sampler": {"type": "EpochSampler", "shuffle": shuffle},
            "dataset": {"type": "ToyDataset", "first": first, "size": size},
        }

    content = {
        "default_scope": "ultraref",
        "work_dir": str(work_dir),
        "model": {"type": "ToyModel"},
        "train_dataloader": loader(0, 12, True),
        "val_dataloader": loader(100, 6, False),
        "test_dataloader": loader(200, 6, False),
        "train_cfg": {"by_epoch": True, "max_epochs": epochs, "val_interval": 1},
        "val_cfg": {},
        "test_cfg": {},
        "val_evaluator": {"type": "ToyMetric"},
        "test_evaluator": {"type": "ToyMetric"},
        "optim_wrapper": optim_wrapper or {"optimizer": {"type": "AdamW", "lr": 0.01, "weight_decay": 0.1}},
        "param_scheduler": [{"type": "CosineAnnealingLR", "T_max": 10, "by_epoch": True, "end": 10}],
        "default_hooks": {
            "checkpoint": {"type": "UltraCheckpointHook", "save_best": "score"},
            "logger": {"type": "LoggerHook", "interval": 1},
        },
        "custom_hooks": [{"type": "ReseedHook"}, {"type": "ProvenanceHook"}, *hooks],
        "randomness": {"seed": 3},
        "log_level": "WARNING",
    }
    return Config({**content, **overrides})
