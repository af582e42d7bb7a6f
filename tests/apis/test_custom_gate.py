"""The example of a plugin: a gate in a file outside the package trains through `custom_imports`."""

import sys
from pathlib import Path

import pytest
import torch

from ultraref.apis import load_config, train
from ultraref.registry import GATES

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_gate"


@pytest.fixture
def _plugin(monkeypatch):
    """Puts the example on the path, and takes what it registers out again: other tests register the same name."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.delitem(sys.modules, "my_gate", raising=False)
    before = dict(GATES.module_dict)
    yield
    sys.modules.pop("my_gate", None)
    GATES.module_dict.clear()
    GATES.module_dict.update(before)


@pytest.mark.usefixtures("_plugin")
def test_example_trains(cascade, tmp_path):
    shrunk = load_config(cascade.phase3[0], work_dir=tmp_path, set=cascade.set, fold=0)
    options = {
        key: shrunk[key] for key in ("train_dataloader", "val_dataloader", "test_dataloader", "train_cfg", "made_by")
    }
    for part in ("coarse_source", "refiner"):
        options[f"model.{part}"] = dict(_delete_=True, **shrunk.model[part])
    cfg = load_config(EXAMPLE / "edge_gate_phantoms.py", options, work_dir=tmp_path)
    cfg.train_cfg.max_epochs = 1
    runner = train(cfg)
    assert type(runner.model.gate).__name__ == "EdgeGate"
    assert type(runner.model.gate).__module__ == "my_gate"
    # EdgeGate has no parameters, but what it gates was trained.
    assert torch.load(tmp_path / "best.pth", weights_only=True)["meta"]["epoch"] == 1
