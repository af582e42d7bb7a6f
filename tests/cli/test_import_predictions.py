"""`ultraref import-predictions`, and phases 2 and 3 behind what it stored: a made-up nnU-Net is refined, trained and tested."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ultraref import apis
from ultraref.cli import commands
from ultraref.cli.import_predictions import test_folders as parse_test_folders
from ultraref.cli.main import main
from ultraref.datasets import Splits
from ultraref.datasets.prediction_import import NnunetSplits
from ultraref.testing.nnunet_tree import write_nnunet_tree
from ultraref.testing.tiny_models import tiny_sam

# Shrinks a shipped recipe to what trains in seconds.
TINY = """
_base_ = "ultraref::{phase}/imported.py"
model = dict(
    coarse_source=dict(size=32),
    refiner=dict(sam=dict(_delete_=True, **{sam!r}), embedding_cache=None, checkpoint={checkpoint!r}),
)
loader = dict(batch_size=8, num_workers=0, persistent_workers=False, dataset=dict(data_root={data!r}, predictions={store!r}))
train_dataloader = val_dataloader = test_dataloader = loader
train_cfg = dict(max_epochs=1)
made_by = dict(_delete_=True)
"""


@pytest.fixture(autouse=True)
def _as_subcommands(monkeypatch):
    monkeypatch.setattr(commands, "as_tools", False)


def test_phases_2_and_3_refine_another_tools_masks(tmp_path, phantom_root, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ULTRAREF_FOLD", raising=False)
    tree = write_nnunet_tree(tmp_path, phantom_root)
    arguments = [str(tree.results), "--splits", str(tree.splits), "--test", f"0={tree.test}"]
    shared = ["--data", str(phantom_root), "--size", "32"]
    assert main(["import-predictions", "nnunet", *arguments, *shared]) == 0
    printed = capsys.readouterr().out
    store = f"work_dirs/predictions/imported_{phantom_root.name}"
    assert f"wrote {store}, 32 px (imported > nnunet" in printed
    assert f"next: ultraref train configs/phase2/imported.py --set {phantom_root.name} --fold 0" in printed

    def load(phase, checkpoint):
        path = tmp_path / f"{phase}.py"
        path.write_text(
            TINY.format(phase=phase, sam=tiny_sam(64), data=str(phantom_root), store=store, checkpoint=checkpoint)
        )
        return apis.load_config(path, set="phantoms", fold=0, work_dir=tmp_path / phase)

    phase2 = load("phase2", None)
    apis.train(phase2)
    coarse = {}
    best = {"phase2": str(tmp_path / "phase2/best.pth"), "phase3": str(tmp_path / "phase3/best.pth")}
    coarse["phase2"] = apis.test(phase2, best["phase2"])
    phase3 = load("phase3", best["phase2"])
    apis.train(phase3)
    coarse["phase3"] = apis.test(phase3, best["phase3"])
    # What is refined is the other tool's mask, in both phases the same one.
    assert coarse["phase2"]["test_coarse/dice"] == coarse["phase3"]["test_coarse/dice"] > 0.8
    saved = torch.load(best["phase3"], weights_only=True)
    assert not any(key.startswith("coarse_source") for key in saved["state_dict"])
    splits = Splits.read(phantom_root)
    assert set(saved["meta"]["trained_on"]) == {splits.images[name].sha256 for name in splits.select("train", 0)}


def test_splits_are_written_and_a_mistake_ends_with_status_2(tmp_path, phantom_root, capsys):
    file = tmp_path / "splits_final.json"
    assert main(["import-predictions", "write-splits", str(phantom_root), str(file)]) == 0
    assert NnunetSplits.read(file).cases == set(Splits.read(phantom_root).select("train"))
    (tmp_path / "table.csv").write_text("name,fold,file\n")
    assert main(["import-predictions", "csv", str(tmp_path / "table.csv"), "--data", str(phantom_root)]) == 2
    assert "there are no rows" in capsys.readouterr().err


def test_the_script_has_the_same_arguments(tmp_path, phantom_root):
    root = Path(__file__).parents[2]
    script = [sys.executable, str(root / "tools/import_predictions.py")]
    run = subprocess.run(
        [*script, "write-splits", str(phantom_root), str(tmp_path / "s.json")],
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert len(json.loads((tmp_path / "s.json").read_text())) == 5


def test_folders_of_test_predictions():
    assert parse_test_folders(["0=a", "3=b=c"], 5) == {0: Path("a"), 3: Path("b=c")}
    for words in (["a"], ["x=a"], ["5=a"], ["0="], ["0=a", "0=b"]):
        with pytest.raises(ValueError, match=r"--test .*as K=FOLDER with K from 0 to 4"):
            parse_test_folders(words, 5)
