"""Every shipped recipe is checked and built: all on the meta device, one of each family for real at full size."""

import ast
from collections import Counter
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from ultraref.apis import load_config
from ultraref.datasets import EpochSampler
from ultraref.engine.component_lookup import pass_on
from ultraref.engine.inputs import find_missing_inputs
from ultraref.engine.recipe import bases_of
from ultraref.models.checkpoint_loading import without_initial_weights
from ultraref.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS

ROOT = Path(__file__).parent.parent
FILES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "configs").rglob("*.py"))
# A protocol is no recipe: tests/protocol.
CONFIGS = [path for path in FILES if not {"_base_", "protocols"} & set(Path(path).parts)]
ALIASES = [path for path in CONFIGS if "alias = " in (ROOT / path).read_text()]
RECIPES = [path for path in CONFIGS if path not in ALIASES]
ABLATIONS = [path for path in RECIPES if path.startswith("configs/ablations/")]
# Their sets are those of the quick start; all others take any set.
TINY = [path for path in RECIPES if path.startswith("configs/quickstart/") or path.endswith("/tiny.py")]
PARTS = ("train", "val", "test")

_read = lru_cache(maxsize=None)(load_config)
# Models on the meta device by the text of their config: the folds and sets of a family share one.
_models: dict[str, torch.nn.Module] = {}


def read(path, set=None, fold=None):
    return _read(path, set=set, fold=fold)


@pytest.fixture(autouse=True)
def _in_repository(monkeypatch):
    monkeypatch.chdir(ROOT)
    for name in ("ULTRAREF_DATA", "ULTRAREF_SET", "ULTRAREF_FOLD"):
        monkeypatch.delenv(name, raising=False)
    init_default_scope("ultraref")


def build(cfg):
    config = without_initial_weights(cfg.model)
    text = str(config)
    if text not in _models:
        with torch.device("meta"):
            _models[text] = MODELS.build(config)
    return _models[text]


def other(path):
    """A set and a fold that are not the recipe's defaults."""
    return ("busi" if path in TINY else "busbra", 3)


@pytest.mark.parametrize("path", CONFIGS)
def test_config_builds_on_the_meta_device(path):
    cfg = read(path)
    assert sum(parameter.numel() for parameter in build(cfg).parameters()) > 0
    for part in PARTS:
        for step in cfg[f"{part}_dataloader"].dataset.pipeline:
            TRANSFORMS.build(step)
        if part != "train":
            METRICS.build(cfg[f"{part}_evaluator"])


@pytest.mark.parametrize("path", RECIPES)
def test_every_recipe_takes_any_set_and_fold(path):
    name, fold = other(path)
    cfg = read(path, name, fold)
    build(cfg)
    root = f"data/{name}"
    for part in PARTS:
        dataset = cfg[f"{part}_dataloader"].dataset
        assert (dataset.data_root, dataset.fold, dataset.split) == (root, fold, part)
    for text in (str(cfg.model), cfg.work_dir):
        assert not any(f"fold{k}" in text for k in range(5) if k != fold), "of another fold"
    assert cfg.work_dir.endswith(f"fold{fold}")
    assert name in cfg.work_dir


def test_no_two_runs_share_a_work_directory():
    names = [read(path, *parameters).work_dir for path in RECIPES for parameters in [(None, None), other(path)]]
    assert len(names) == len(set(names))


def test_aliases_are_the_names_that_people_type():
    assert ALIASES == [
        "configs/phase1/transunet_busi_fold0.py",
        "configs/phase3/gated_busi_fold0.py",
        "configs/phase3/ultrarefiner_busi_fold0.py",
    ]
    for path in ALIASES:
        assert len((ROOT / path).read_text().splitlines()) <= 3
        (recipe,) = bases_of(ROOT / path)
        assert read(path).work_dir == read(str(recipe.relative_to(ROOT))).work_dir == f"work_dirs/{Path(path).stem}"


def test_there_are_few_config_files():
    # 120 leaves room for ablations; beyond it a user no longer finds his way.
    assert len(FILES) < 120


def depth(path):
    return 1 + max(map(depth, bases_of(path)), default=0)


@pytest.mark.parametrize("path", CONFIGS)
def test_inheritance_is_at_most_three_levels(path):
    assert depth(ROOT / path) - 1 <= 3


# Networks of which a recipe takes one; each has a size of its own.
NETWORKS = ("coarse_network", "unet")


def numbers(path):
    """(key, number, network) for every size, number of epochs and fold that a file writes out."""
    keys = {"image_size", "size", "coarse_size", "sam_size", "max_epochs", "T_max", "end", "fold"}
    for statement in ast.parse(path.read_text()).body:
        names = [target.id for target in getattr(statement, "targets", ()) if isinstance(target, ast.Name)]
        network = next((name for name in names if name in NETWORKS), None)
        for node in ast.walk(statement):
            if isinstance(node, ast.keyword) and node.arg in keys and isinstance(node.value, ast.Constant):
                yield node.arg, node.value.value, network


def family(path):
    """A config and all files that it inherits from."""
    found = {path}
    for base in bases_of(path):
        found |= family(base)
    return found


@pytest.mark.parametrize("path", RECIPES)
def test_each_number_is_written_once(path):
    counts = Counter(number for file in family(ROOT / path) for number in numbers(file) if isinstance(number[1], int))
    assert all(count == 1 for count in counts.values()), counts
    assert not any(key in ("T_max", "end", "fold") for key, _, _ in counts), "follows from another key"


@pytest.mark.parametrize("path", CONFIGS)
def test_missing_inputs_come_with_the_command_that_makes_them(path, tmp_path, monkeypatch):
    cfg = read(path)
    monkeypatch.chdir(tmp_path)
    missing = find_missing_inputs(cfg)
    assert missing
    assert all(item.command for item in missing)
    # What the commands name is there.
    for word in (word for item in missing for word in item.command.split()):
        if word.startswith(("tools/", "configs/")):
            assert (ROOT / word).is_file(), word


@pytest.mark.parametrize("path", RECIPES)
def test_refiner_is_given_what_it_was_trained_on(path):
    """The recipe of phase 2, or ablation of one, whose checkpoint a recipe of phase 3 loads gives the refiner the same inputs."""
    cfg = read(path)
    refiner = cfg.model.get("refiner", {})
    # The quick start's own is made by make.
    command = cfg.get("made_by", {}).get(refiner.get("checkpoint"), "")
    if "tools/train.py" not in command:
        return
    (phase2,) = (word for word in command.split() if word.startswith("configs/"))
    model, trained = build(cfg), build(read(phase2))
    assert (model.input_contract() != trained.input_contract()) == refiner.get("allow_contract_change", False)


@pytest.mark.parametrize("path", ABLATIONS)
def test_ablation_is_short_and_changes_what_is_trained(path):
    lines = (ROOT / path).read_text().splitlines()
    assert len(lines) <= 15
    assert lines[0].startswith("# ")
    # Beside the recipe it may take parts from _base_.
    (base,) = (base for base in bases_of(ROOT / path) if "_base_" not in base.parts)
    cfg, shipped = read(path), read(str(base.relative_to(ROOT)))
    changed = {key for key in shipped if cfg.get(key) != shipped[key]} - {"made_by", "work_dir"}
    # gate_cap_05 states the cap of the shipped gate, so that the row of caps is whole.
    assert bool(changed) == (Path(path).stem != "gate_cap_05")


def test_a_learned_gate_is_one_line():
    """Rate and stage are the recipe's, for whatever gate has parameters."""
    path = "configs/ablations/gates/gate_learned.py"
    assert len((ROOT / path).read_text().splitlines()) <= 5
    cfg = read(path)
    gate = {name for name, _ in build(cfg).named_parameters() if name.startswith("gate.")}
    groups = build_optim_wrapper(build(cfg), cfg.optim_wrapper).param_groups
    (group,) = (group for group in groups if group.get("name") == "gate")
    assert (len(group["params"]), group["lr"]) == (len(gate), 1e-4)
    assert all("gate" in stage.train for stage in cfg.default_hooks.unfreezing.stages.values())


@pytest.mark.parametrize("path", [path for path in RECIPES if "unfreezing" in read(path).default_hooks])
def test_optimizer_groups_and_stages_fit_the_model(path):
    cfg, log = read(path), MMLogger.get_instance("test_configs")
    model = build(cfg)
    states = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    runner = SimpleNamespace(model=model, epoch=0, logger=log)
    runner.optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    try:
        hook = HOOKS.build(cfg.default_hooks.unfreezing)
        hook.before_train(runner)
        for runner.epoch in {stage.epoch for stage in hook.stages}:
            hook.before_train_epoch(runner)
            assert any(parameter.requires_grad for parameter in model.parameters())
    finally:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(states[name])


def test_one_key_changes_a_size_everywhere():
    """The model's sizes reach the samples; what is measured follows the model."""
    options = {"model.refiner.sam.image_encoder.image_size": 512, "model.coarse_source.network.image_size": 128}
    cfg = load_config("configs/phase3/ultrarefiner.py", options)
    assert build(cfg).sizes == {"coarse": 128, "sam": 512}
    assert build(cfg).coarse_source.network.encoder.image_size == (128, 128)
    dataset = dict(cfg.train_dataloader.dataset)
    pass_on(dataset, {"sizes": build(cfg).sizes})
    assert dataset["sizes"] == {"coarse": 128, "sam": 512}
    assert cfg.val_evaluator.size == "model"


def test_harm_can_decide_which_epoch_is_best():
    options = {
        "default_hooks.checkpoint.save_best": "val_delta/score",
        "val_evaluator.measures.changes.harm_weight": 0.3,
    }
    cfg = load_config("configs/phase3/ultrarefiner.py", options)
    assert METRICS.build(cfg.val_evaluator).measures["changes"].harm_weight == 0.3
    assert HOOKS.build(cfg.default_hooks.checkpoint).save_best == "val_delta/score"


def test_a_measure_is_left_out_by_its_name():
    cfg = load_config("configs/phase3/gated.py", {"test_evaluator.measures.surface": None})
    assert list(METRICS.build(cfg.test_evaluator).measures) == [
        "overlap",
        "changes",
        "predicted_dice",
        "opinion",
        "lesions",
        "calibration",
        "quality",
        "consistency",
    ]


def test_validation_on_simulated_errors_is_the_same_each_epoch(phantom_root):
    cfg = read("configs/phase2/sam_online.py")

    def draw(part, epoch):
        loader = cfg[f"{part}_dataloader"]
        dataset = DATASETS.build(dict(loader.dataset, data_root=str(phantom_root), sizes=dict(coarse=64, sam=128)))
        sampler = EpochSampler(dataset, shuffle=loader.sampler.shuffle, seed=0)
        sampler.set_epoch(epoch)
        keys = sorted(sampler, key=lambda key: key[1])[:3]
        return [dataset[key]["inputs"]["coarse_prob"].numpy() for key in keys]

    for first, second in zip(draw("val", 0), draw("val", 5)):
        assert np.array_equal(first, second)
    assert not all(np.array_equal(first, second) for first, second in zip(draw("train", 0), draw("train", 5)))


@pytest.mark.parametrize(
    ("path", "millions"),
    [
        # 105.3 M: TransUNet R50-ViT-B/16 as published (Chen et al. 2021). 93.7 M: SAM ViT-B (Kirillov et al. 2023).
        ("configs/phase1/transunet_busi_fold0.py", (103, 107)),
        ("configs/phase2/sam_hybrid.py", (93, 94.5)),
    ],
)
def test_full_size_models_have_the_published_sizes(path, millions):
    model = MODELS.build(without_initial_weights(load_config(path).model))
    assert millions[0] < sum(parameter.numel() for parameter in model.parameters()) / 1e6 < millions[1]


@pytest.mark.slow
def test_full_size_joint_model_runs():
    model = MODELS.build(without_initial_weights(load_config("configs/phase3/gated_busi_fold0.py").model)).eval()
    with torch.inference_mode():
        output = model(dict(coarse_image=torch.rand(1, 1, 224, 224), sam_image=255 * torch.rand(1, 3, 1024, 1024)))
    assert output.refined_prob.shape == (1, 1, 1024, 1024)
    assert torch.isfinite(output.refined_prob).all()
