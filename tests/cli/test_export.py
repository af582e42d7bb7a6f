"""`ultraref export` from a config file to a folder."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.apis import load_bundle
from ultraref.checkpoint import save_atomically
from ultraref.cli.main import main
from ultraref.registry import MODELS
from ultraref.testing.tiny_models import tiny_network


@pytest.fixture
def coarse(tmp_path):
    """Paths of the config and the checkpoint of a coarse network."""
    model = dict(
        type="CoarseSegmentor",
        network=tiny_network(32),
        loss=dict(type="CEDiceLoss"),
        data_preprocessor=dict(type="SegDataPreprocessor"),
    )
    pipeline = [dict(type="LoadImage"), dict(type="ResizeToModels", inputs=("coarse",), gt="coarse")]
    dataset = dict(type="LesionDataset", data_root="data/busi", split="test", pipeline=pipeline)
    config = tmp_path / "mine.py"
    config.write_text(f"model = {model!r}\ntest_dataloader = dict(dataset={dataset!r})\n")
    init_default_scope("ultraref")
    save_atomically({"state_dict": MODELS.build(model).state_dict(), "meta": {}}, tmp_path / "best.pth")
    return str(config), str(tmp_path / "best.pth")


def test_a_bundle_from_the_command_line(coarse, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["export", *coarse, "--format", "bundle", "--out", str(out)]) == 0
    assert f"wrote {out / 'config.json'}" in capsys.readouterr().out
    model, _ = load_bundle(out)
    assert model(dict(coarse_image=torch.zeros(1, 1, 32, 32))).shape == (1, 2, 32, 32)
    # Again in its place, but not in that of other things.
    assert main(["export", *coarse, "--format", "bundle", "--out", str(out)]) == 0
    assert main(["export", *coarse, "--format", "bundle", "--out", str(tmp_path)]) == 2
    assert "holds other things" in capsys.readouterr().err
