"""The commands as a user meets them: exit status and what they say of bad input."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ultraref.datasets import Splits

ROOT = Path(__file__).parent.parent


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    environment = dict(os.environ, OMP_NUM_THREADS="1", PYTHONPATH=str(ROOT))
    command = [sys.executable, str(ROOT / "tools" / arguments[0]), *arguments[1:]]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train.py", "configs/phase1/transunet_bussi_fold0.py"], ["transunet_bussi_fold0.py does not exist"]),
        (
            ["train.py", "configs/phase3/gated_busi_fold0.py", "--cfg-options", "model.gate.type=UncertaintyGat"],
            ["model.gate.type", "UncertaintyGate", "custom_imports"],
        ),
        (
            ["test.py", "configs/phase3/gated_busi_fold0.py", "nowhere.pth"],
            ["checkpoint nowhere.pth does not exist", "best.pth"],
        ),
        (
            [
                "train.py",
                "configs/phase1/transunet_busi_fold0.py",
                "--cfg-options",
                "train_dataloader.dataset.data_root=nowhere",
            ],
            ["splits.json", "tools/dataset_converters/busi.py", "R50+ViT-B_16.npz"],
        ),
    ],
)
def test_bad_input_ends_with_one_message(arguments, expected, tmp_path):
    config = ROOT / arguments[1]
    result = run(arguments[0], str(config), *arguments[2:], cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    for text in expected:
        assert text in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_damaged_image_is_named(tmp_path, phantom_root):
    data_root = tmp_path / "data"
    shutil.copytree(phantom_root, data_root)
    damaged = data_root / "train/images" / f"{Splits.read(data_root).select('train', 0)[0]}.png"
    damaged.write_bytes(damaged.read_bytes()[:100])
    result = run(
        "train.py",
        str(ROOT / "configs/quickstart/phase1.py"),
        "--work-dir",
        str(tmp_path / "work"),
        "--cfg-options",
        *(f"{split}_dataloader.dataset.data_root={data_root}" for split in ("train", "val", "test")),
    )
    assert result.returncode == 2, result.stderr
    assert damaged.name in result.stderr
    assert not (tmp_path / "work" / "best.pth").exists()


def test_components_are_listed():
    result = run("list_components.py", "GATES")
    assert result.returncode == 0
    for name in ("ConstantGate", "HybridGate", "LearnedGate", "UncertaintyGate", "gate_max"):
        assert name in result.stdout
