"""Every shipped config is checked and built: all on the meta device, one of each family for real at full size."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.apis import load_config
from ultraref.apis.config import without_initial_weights
from ultraref.engine.inputs import find_missing_inputs
from ultraref.registry import METRICS, MODELS, TRANSFORMS

ROOT = Path(__file__).parent.parent
CONFIGS = sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "configs").rglob("*.py") if "_base_" not in path.relative_to(ROOT).parts
)


@pytest.fixture(autouse=True)
def _in_repository(monkeypatch):
    monkeypatch.chdir(ROOT)
    init_default_scope("ultraref")


@pytest.mark.parametrize("path", CONFIGS)
def test_config_builds_on_the_meta_device(path):
    cfg = load_config(path)
    with torch.device("meta"):
        model = MODELS.build(without_initial_weights(cfg.model))
    assert sum(parameter.numel() for parameter in model.parameters()) > 0
    for split in ("train", "val", "test"):
        loader = cfg[f"{split}_dataloader"]
        for step in loader.dataset.pipeline:
            TRANSFORMS.build(step)
        if split != "train":
            METRICS.build(cfg[f"{split}_evaluator"])
    # One work directory a config, from which the next phase reads best.pth.
    assert Path(cfg.work_dir).name == Path(path).stem


@pytest.mark.parametrize("path", [path for path in CONFIGS if "fold" in path])
def test_fold_of_the_name_is_the_fold_of_the_data(path):
    cfg = load_config(path)
    fold = int(path.split("fold")[1][0])
    assert cfg.train_dataloader.dataset.fold == cfg.val_dataloader.dataset.fold == fold
    text = str(cfg.model) + str(cfg.test_dataloader.dataset.get("fold", ""))
    others = [f"fold{k}/" for k in range(5) if k != fold]
    assert not any(other in text for other in others), "a checkpoint of another fold"


@pytest.mark.parametrize("path", CONFIGS)
def test_missing_inputs_come_with_the_command_that_makes_them(path):
    missing = find_missing_inputs(load_config(path, {"data_root": "nowhere"}))
    assert all(item.command for item in missing)


@pytest.mark.parametrize(
    ("path", "millions"),
    [
        # 105.3 M: TransUNet R50-ViT-B/16 as published (Chen et al. 2021). 93.7 M: SAM ViT-B (Kirillov et al. 2023).
        ("configs/phase1/transunet_busi_fold0.py", (103, 107)),
        ("configs/phase2/sam_hybrid_busi_fold0.py", (93, 94.5)),
    ],
)
def test_full_size_models_have_the_published_sizes(path, millions):
    model = MODELS.build(without_initial_weights(load_config(path).model))
    assert millions[0] < sum(parameter.numel() for parameter in model.parameters()) / 1e6 < millions[1]


@pytest.mark.slow
def test_full_size_joint_model_runs():
    model = MODELS.build(without_initial_weights(load_config("configs/phase3/gated_busi_fold0.py").model)).eval()
    with torch.inference_mode():
        output = model(dict(coarse_image=torch.rand(1, 1, 224, 224), sam_image=torch.randn(1, 3, 1024, 1024)))
    assert output.final_prob.shape == (1, 1, 1024, 1024)
    assert torch.isfinite(output.final_prob).all()
