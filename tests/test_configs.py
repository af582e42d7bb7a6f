"""Every shipped config is checked and built: all on the meta device, one of each family for real at full size."""

from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from ultraref.apis import load_config
from ultraref.engine.inputs import find_missing_inputs
from ultraref.models.checkpoint_loading import without_initial_weights
from ultraref.registry import HOOKS, METRICS, MODELS, TRANSFORMS

ROOT = Path(__file__).parent.parent
CONFIGS = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "configs").rglob("*.py")
    if "_base_" not in path.relative_to(ROOT).parts
)
FOLDS = [path for path in CONFIGS if "fold" in Path(path).stem]
ABLATIONS = [path for path in CONFIGS if path.startswith("configs/ablations/")]
PARTS = ("train", "val", "test")

read = lru_cache(maxsize=None)(load_config)
# Models on the meta device by the text of their config: the folds and sets of a family share one.
_models: dict[str, torch.nn.Module] = {}


@pytest.fixture(autouse=True)
def _in_repository(monkeypatch):
    monkeypatch.chdir(ROOT)
    init_default_scope("ultraref")


def build(cfg):
    config = without_initial_weights(cfg.model)
    text = str(config)
    if text not in _models:
        with torch.device("meta"):
            _models[text] = MODELS.build(config)
    return _models[text]


def loaders(cfg):
    """Yields the name and the dataloader of each part; a config for tests alone has but one."""
    return [(part, cfg[f"{part}_dataloader"]) for part in PARTS if cfg.get(f"{part}_dataloader") is not None]


def datasets(loader):
    """The data sets of a loader: several where they are concatenated."""
    return loader.dataset.get("datasets", [loader.dataset])


@pytest.mark.parametrize("path", CONFIGS)
def test_config_builds_on_the_meta_device(path):
    cfg = read(path)
    assert sum(parameter.numel() for parameter in build(cfg).parameters()) > 0
    for part, loader in loaders(cfg):
        for step in (step for dataset in datasets(loader) for step in dataset.pipeline):
            TRANSFORMS.build(step)
        if part != "train":
            METRICS.build(cfg[f"{part}_evaluator"])
    # One work directory a config, from which the next phase reads best.pth.
    assert Path(cfg.work_dir).name == Path(path).stem


def test_no_two_configs_share_a_work_directory():
    stems = [Path(path).stem for path in CONFIGS]
    assert len(stems) == len(set(stems))


@pytest.mark.parametrize("path", FOLDS)
def test_fold_of_the_name_is_the_fold_of_the_data(path):
    cfg = read(path)
    fold = int(path.split("fold")[1][0])
    for part, loader in loaders(cfg):
        folds = {dataset.get("fold") for dataset in datasets(loader)}
        assert folds == {fold} if part != "test" else folds <= {fold, None}, "a data set of another fold"
    text = str(cfg.model)
    others = [f"fold{k}/" for k in range(5) if k != fold]
    assert not any(other in text for other in others), "a checkpoint of another fold"


@pytest.mark.parametrize("path", CONFIGS)
def test_missing_inputs_come_with_the_command_that_makes_them(path):
    assert all(item.command for item in find_missing_inputs(read(path)))


@pytest.mark.parametrize("path", CONFIGS)
def test_refiner_is_given_what_it_was_trained_on(path):
    """The phase-2 config whose checkpoint a phase-3 config loads gives the refiner the same inputs."""
    refiner = read(path).model.get("refiner", {})
    if not str(refiner.get("checkpoint")).startswith("work_dirs/sam_"):
        return
    trained = read(f"configs/phase2/{Path(refiner.checkpoint).parent.name}.py").model.refiner
    differing = [
        key for key in ("roi", "prompts", "prob_transforms", "multimask") if refiner.get(key) != trained.get(key)
    ]
    assert bool(differing) == refiner.get("allow_contract_change", False)


@pytest.mark.parametrize("path", ABLATIONS)
def test_ablation_is_short_and_changes_what_is_trained(path):
    lines = (ROOT / path).read_text().splitlines()
    assert len(lines) <= 15
    assert lines[0].startswith("# ")
    (base,) = (line.split('"')[1] for line in lines if line.startswith("_base_ = "))
    cfg, shipped = read(path), read(str((ROOT / path).parent.joinpath(base).resolve().relative_to(ROOT)))
    changed = {key for key in shipped if cfg.get(key) != shipped[key]} - {"made_by", "work_dir"}
    # gate_cap_05 states the cap of the shipped gate, so that the row of caps is whole.
    assert bool(changed) == (Path(path).stem != "gate_cap_05")


@pytest.mark.parametrize("path", [path for path in CONFIGS if "/phase3/" in path and "busi_fold0" in path] + ABLATIONS)
def test_optimizer_groups_and_stages_fit_the_model(path):
    cfg, log = read(path), MMLogger.get_instance("test_configs")
    model = build(cfg)
    states = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    runner = SimpleNamespace(model=model, epoch=0, logger=log)
    runner.optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    try:
        for hook in (HOOKS.build(hook) for hook in cfg.custom_hooks if hook.type == "ProgressiveUnfreezeHook"):
            hook.before_train(runner)
            for runner.epoch in {stage.epoch for stage in hook.stages}:
                hook.before_train_epoch(runner)
                assert any(parameter.requires_grad for parameter in model.parameters())
    finally:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(states[name])


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
        image = torch.rand(1, 3, 1024, 1024) * 255
        output = model(dict(coarse_image=torch.rand(1, 1, 224, 224), sam_image=image))
    assert output.final_prob.shape == (1, 1, 1024, 1024)
    assert torch.isfinite(output.final_prob).all()
