"""What stops a training before it starts."""

from pathlib import Path

import pytest
import torch

from ultraref.apis import load_config
from ultraref.apis.train import check_embedding_cache, train, warn_of_other_fit
from ultraref.engine.config_check import ConfigError
from ultraref.engine.inputs import MissingInputsError
from ultraref.models.weights.medsam import LITE_MEDSAM

ROOT = Path(__file__).parents[2]
CACHED = ROOT / "configs/phase2/sam_cached.py"
HYBRID = ROOT / "configs/phase2/sam_hybrid.py"


def test_cached_config_has_no_geometric_augmentation():
    check_embedding_cache(load_config(CACHED))


@pytest.mark.parametrize("path", ["phase2/lite.py", "sam2rad/lite.py"])
def test_mirrored_images_may_be_cached(path):
    cfg = load_config(ROOT / "configs" / path)
    check_embedding_cache(cfg)
    pipeline = cfg.train_dataloader.dataset.pipeline
    cfg.train_dataloader.dataset.pipeline = [*pipeline[:2], dict(type="RandomMirror"), *pipeline[2:]]
    check_embedding_cache(cfg)
    cfg.train_dataloader.dataset.pipeline.insert(2, dict(type="RandomSpeckle"))
    with pytest.raises(ValueError, match=r"model\.(refiner\.)?embedding_cache: .*RandomSpeckle.*take RandomMirror"):
        check_embedding_cache(cfg)


@pytest.mark.parametrize(("fit", "warned"), [("pad", False), ("squash", True)])
def test_another_fit_than_that_of_published_weights_is_warned_of(fit, warned, monkeypatch):
    logged = []
    monkeypatch.setattr("ultraref.models.weights.rules.print_log", lambda text, **_: logged.append(text))
    cfg = load_config(ROOT / "configs/phase2/lite.py")
    for step in cfg.train_dataloader.dataset.pipeline:
        if step.type == "ResizeToModels":
            step.sam_fit = fit
    model = torch.nn.Module()
    model.profile = LITE_MEDSAM
    warn_of_other_fit(cfg, model)
    assert bool(logged) == warned
    assert all("by 'pad', here by 'squash'" in text for text in logged)


def test_cache_with_geometric_augmentation_is_refused():
    cfg = load_config(CACHED)
    cfg.train_dataloader.dataset.pipeline = load_config(HYBRID).train_dataloader.dataset.pipeline
    with pytest.raises(ValueError, match=r"RandomRotateFlip.*moves pixels"):
        check_embedding_cache(cfg)


@pytest.mark.parametrize("name", ["RandomFlip", "RandomRotateFlip", "mmcv.Resize"])
def test_cache_with_a_transform_that_may_change_the_image_is_refused(name):
    cfg = load_config(CACHED)
    dataset = cfg.train_dataloader.dataset
    dataset.pipeline = [*dataset.pipeline[:2], dict(type=name), *dataset.pipeline[2:]]
    with pytest.raises(ValueError, match=rf"dataset\.pipeline\.2 \({name}\)"):
        check_embedding_cache(cfg)
    del dataset["data_root"]
    cfg.train_dataloader.dataset = dict(type="ConcatLesionDataset", datasets=[dataset])
    with pytest.raises(ValueError, match=rf"dataset\.datasets\.0\.pipeline\.2 \({name}\)"):
        check_embedding_cache(cfg)


def test_all_missing_inputs_are_listed_with_their_commands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingInputsError) as error:
        train(load_config(ROOT / "configs/phase3/gated.py", set="busi", fold=2))
    text = str(error.value)
    for expected in (
        "data/busi/splits.json",
        "tools/dataset_converters/busi.py",
        "work_dirs/transunet_busi_fold2/best.pth",
        "configs/phase1/transunet.py --set busi --fold 2",
        "sam_vit_b_01ec64.pth",
    ):
        assert expected in text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model.gate.type": "UncertaintyGat"}, r"model\.gate\.type.*UncertaintyGate"),
        ({"model.gate.gate_maximum": 0.5}, r"gate_maximum.*gate_max"),
        ({"train_cgf.max_epochs": 3}, r"train_cgf.*train_cfg"),
    ],
)
def test_mistyped_names_are_named(options, message):
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        load_config(ROOT / "configs/phase3/gated_busi_fold0.py", options)


def test_missing_config_is_named():
    with pytest.raises(FileNotFoundError, match=r"configs/phase9/x\.py"):
        load_config("configs/phase9/x.py")
