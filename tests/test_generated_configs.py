"""The configs of phases 1 to 3 are what the generator writes, and their data are those that their names say."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from ultraref.apis import load_config
from ultraref.datasets import EpochSampler
from ultraref.registry import DATASETS

ROOT = Path(__file__).parent.parent


def load_generator():
    spec = importlib.util.spec_from_file_location("generate_configs", ROOT / "tools" / "generate_configs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = load_generator()
NAMES = [*GENERATOR.SETS, "all"]


@pytest.fixture(autouse=True)
def _in_repository(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("ULTRAREF_DATA", raising=False)
    init_default_scope("ultraref")


@pytest.mark.parametrize("name", NAMES)
def test_files_are_in_step_with_the_template(name):
    differing = [
        path
        for path, text in GENERATOR.generate(name).items()
        if not (ROOT / "configs" / path).is_file() or (ROOT / "configs" / path).read_text(encoding="utf-8") != text
    ]
    assert not differing, "run python tools/generate_configs.py"


def test_no_generated_file_is_left_over():
    expected = {path for name in NAMES for path in GENERATOR.generate(name)}
    marked = {
        path.relative_to(ROOT / "configs").as_posix()
        for path in (ROOT / "configs").rglob("*.py")
        if "tools/generate_configs.py" in path.read_text(encoding="utf-8")
    }
    assert marked == expected


def test_every_set_has_every_phase_and_fold():
    paths = {path for name in NAMES for path in GENERATOR.generate(name)}
    stems = [
        f"{stem}_{name}"
        for name in ("busi", "busbra", "bus", "bus_uc", "bus_uclm")
        for stem in ("phase1/transunet", "phase2/sam_hybrid", "phase3/ultrarefiner", "phase3/gated")
    ]
    stems += [f"phase2/sam_{kind}_{name}" for kind in ("hybrid", "online", "predictions") for name in ("busi", "all")]
    wanted = {f"{stem}_fold{fold}.py" for stem in stems for fold in range(5)}
    wanted |= {f"{stem}_shared.py" for stem in stems if "phase2" in stem}
    assert wanted == paths


@pytest.mark.parametrize("name", [name for name in NAMES if name != "all"])
def test_a_set_reads_its_own_files(name):
    for stem in ("phase1/transunet", "phase2/sam_hybrid", "phase3/ultrarefiner"):
        cfg = load_config(f"configs/{stem}_{name}_fold2.py")
        for part in ("train", "val", "test"):
            dataset = cfg[f"{part}_dataloader"].dataset
            assert dataset.data_root == f"data/{name}"
            assert dataset.get("predictions") == (
                f"work_dirs/predictions/transunet_{name}" if "phase2" in stem else None
            )
    assert cfg.model.coarse_source.checkpoint == f"work_dirs/transunet_{name}_fold2/best.pth"
    assert cfg.model.refiner.checkpoint == f"work_dirs/sam_hybrid_{name}_fold2/best.pth"


@pytest.mark.parametrize("kind", ["hybrid", "online", "predictions"])
def test_all_sets_together(kind):
    cfg = load_config(f"configs/phase2/sam_{kind}_all_fold1.py")
    shared = load_config(f"configs/phase2/sam_{kind}_all_shared.py")
    for part in ("train", "val", "test"):
        datasets = cfg[f"{part}_dataloader"].dataset.datasets
        assert [dataset.data_root for dataset in datasets] == [f"data/{name}" for name in GENERATOR.SETS]
        assert {dataset.split for dataset in datasets} == {part}
        assert {dataset.fold for dataset in datasets} == {1}
        # Simulated errors need no coarse network until the test.
        stored = kind != "online" or part == "test"
        assert [dataset.get("predictions") for dataset in datasets] == [
            f"work_dirs/predictions/transunet_{name}" if stored else None for name in GENERATOR.SETS
        ]
    assert {dataset.fold for dataset in shared.train_dataloader.dataset.datasets} == {None}
    assert next(hook for hook in shared.custom_hooks if hook.type == "ProvenanceHook").allow_seen


def test_validation_on_simulated_errors_is_the_same_each_epoch(phantom_root):
    cfg = load_config("configs/phase2/sam_online_busi_fold0.py")

    def draw(part, epoch):
        loader = cfg[f"{part}_dataloader"]
        dataset = DATASETS.build(dict(loader.dataset, data_root=str(phantom_root)))
        sampler = EpochSampler(dataset, shuffle=loader.sampler.shuffle, seed=0)
        sampler.set_epoch(epoch)
        keys = sorted(sampler, key=lambda key: key[1])[:3]
        return [dataset[key]["inputs"]["coarse_prob"].numpy() for key in keys]

    for first, second in zip(draw("val", 0), draw("val", 5)):
        assert np.array_equal(first, second)
    assert not all(np.array_equal(first, second) for first, second in zip(draw("train", 0), draw("train", 5)))
