"""A run in a few lines; how much its checkpoints take is about what they take."""

from pathlib import Path

import pytest
import torch
from engine_toys import toy_config
from mmengine.optim import OptimWrapper
from torch import nn

from ultraref.engine.run_description import checkpoint_bytes, describe_disk, size

ADAMW, SGD = {"type": "AdamW", "lr": 0.01}, {"type": "SGD", "lr": 0.01}


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        # 1,000,000 weights of 4 bytes; three files with an optimizer's numbers, one without.
        (torch.optim.AdamW, 3 * (4 + 8) + 4),
        (lambda p: torch.optim.SGD(p, lr=1, momentum=0.9), 3 * (4 + 4) + 4),
        (lambda p: torch.optim.SGD(p, lr=1), 3 * 4 + 4),
    ],
)
def test_room_for_weights_and_the_optimizers_numbers(optimizer, expected):
    model = nn.Linear(1000, 1000, bias=False)
    assert checkpoint_bytes(model, OptimWrapper(optimizer(model.parameters()))) == expected * 10**6


def test_averaged_weights_and_accumulated_gradients_take_room():
    model = nn.Linear(1000, 1000, bias=False)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1), accumulative_counts=2)
    assert checkpoint_bytes(model, wrapper, has_ema=True) == (3 * (4 + 4 + 4) + 4) * 10**6


def test_what_is_frozen_has_no_optimizer():
    model = nn.Sequential(nn.Linear(1000, 1000, bias=False), nn.Linear(1000, 1000, bias=False))
    wrapper = OptimWrapper(torch.optim.AdamW(model[1].parameters()))
    assert checkpoint_bytes(model, wrapper) == (3 * (8 + 8) + 8) * 10**6


@pytest.mark.parametrize("optimizer", [ADAMW, SGD], ids=["adamw", "sgd"])
def test_files_have_that_size(tmp_path, make_runner, optimizer):
    cfg = toy_config(
        tmp_path, epochs=2, model={"type": "ToyModel", "width": 300}, optim_wrapper={"optimizer": optimizer}
    )
    runner = make_runner(cfg)
    runner.train()
    files = sum(
        3 * path.stat().st_size if path.name == "last.pth" else path.stat().st_size for path in tmp_path.glob("*.pth")
    )
    files -= Path(tmp_path, "previous.pth").stat().st_size
    assert checkpoint_bytes(runner.model, runner.optim_wrapper) == pytest.approx(files, rel=0.15)


def test_a_folder_that_is_not_there_is_on_the_disk_of_its_parent(tmp_path):
    line = describe_disk(tmp_path / "a/b", 2000)
    assert line.ok
    assert "about 2.0 kB, " in line.text
    assert line.text.endswith(f"are free at {tmp_path}")
    assert not describe_disk(tmp_path / "a/b", 10**18).ok


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (1.5e9, "1.5 GB"), (3.2e8, "320 MB"), (5e16, "50000 TB")],
)
def test_sizes_in_words(number, text):
    assert size(number) == text


def test_a_training_begins_with_what_it_is(tmp_path, make_runner, caplog):
    runner = make_runner(toy_config(tmp_path, epochs=1, log_level="INFO"))
    runner.logger.addHandler(caplog.handler)
    runner.train()
    lines = [record.message for record in caplog.records]
    first = next(number for number, line in enumerate(lines) if line.startswith("config: "))
    assert [line.partition(":")[0] for line in lines[first : first + 5]] == [
        "config",
        "data",
        "data",
        "weights",
        "disk",
    ]
    assert "train: images 12; " in lines[first + 1]
    assert "from random numbers" in lines[first + 3]


def test_it_can_be_left_out(tmp_path, make_runner, caplog):
    cfg = toy_config(tmp_path, epochs=1, log_level="INFO")
    cfg.default_hooks.description = None
    runner = make_runner(cfg)
    runner.logger.addHandler(caplog.handler)
    runner.train()
    assert not [record for record in caplog.records if record.message.startswith("disk: ")]
