"""The main job, end to end on phantoms: what each phase leaves, and how phases hand over to each other."""

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ultraref import apis
from ultraref.apis import init_model, load_config, predict_coarse, train
from ultraref.datasets import LesionDataset, Splits
from ultraref.errors import UserError
from ultraref.evaluation import OVERLAP_NAMES
from ultraref.registry import RUNNERS


def load(cascade, path, options=None, work_dir=None, fold=0):
    return load_config(path, options, work_dir, set=cascade.set, fold=fold)


def folder(cascade, path, fold=0) -> Path:
    return Path(load(cascade, path, fold=fold).work_dir)


def test_summary_is_complete_and_consistent(cascade):
    summary = json.loads((Path(cascade.work_dir) / "summary.json").read_text())
    num_test = len(Splits.read(load(cascade, cascade.phase2).test_dataloader.dataset.data_root).select("test", None))
    assert summary["n_test"] == num_test
    for group in ("coarse", "refined", "delta"):
        assert sorted(summary[group]) == sorted(OVERLAP_NAMES)
    for name in OVERLAP_NAMES:
        assert summary["delta"][name] == pytest.approx(summary["refined"][name] - summary["coarse"][name])
    low, high = summary["delta_dice_ci95"]
    assert low <= summary["delta"]["dice"] <= high
    # Trained from scratch.
    assert summary["weights_seen"] == {"phantoms": {}}
    assert sorted(summary["models"]) == [
        "phantoms_gated_fold0",
        "phantoms_phase2_fold0",
        "phantoms_ultrarefiner_fold0",
    ]
    # All three models were tested on the same images, by the same coarse network's masks before joint training.
    rows = list(csv.DictReader((folder(cascade, cascade.phase3[0]) / "metrics.csv").open()))
    assert float(np.mean([float(row["refined_dice"]) for row in rows])) == pytest.approx(
        summary["refined"]["dice"], abs=1e-6
    )
    differences = [float(row["delta_dice"]) for row in rows]
    assert summary["harmed"] == pytest.approx(np.mean([difference < -0.01 for difference in differences]))
    assert summary["helped"] == pytest.approx(np.mean([difference > 0.01 for difference in differences]))
    assert summary["worst"] == pytest.approx(min(differences), abs=1e-6)
    assert len(list((Path(cascade.work_dir) / "overlays").glob("*.png"))) == num_test


def test_tensorboard_has_all_groups_and_learning_rates(cascade):
    tags = set()
    # The run of the training and that of the test have a file each.
    for events in folder(cascade, cascade.phase3[0]).rglob("events.out.tfevents.*"):
        tags.update(EventAccumulator(str(events)).Reload().Tags()["scalars"])
    for group in ("coarse", "refined", "sam", "delta"):
        assert f"val_{group}/dice" in tags
    assert "lr" in tags


def test_stored_predictions_cover_each_training_image_once(cascade):
    cfg = load(cascade, cascade.phase2)
    dataset = cfg.train_dataloader.dataset
    splits = Splits.read(dataset.data_root)
    stored = {}
    root = Path(dataset.predictions)
    for fold in range(5):
        manifest = json.loads((root / f"fold{fold}/val/manifest.json").read_text())
        assert manifest["fold"] == fold
        assert len(manifest["checkpoint_sha256"]) == 64
        assert manifest["network"]["types"] == ["EncoderDecoder", "R50ViTEncoder", "CascadedUpsampler"]
        for name in manifest["images"]:
            assert name not in stored
            stored[name] = np.load(root / f"fold{fold}/val/{name}.npy", allow_pickle=False)
    assert sorted(stored) == sorted(splits.select("train", None))
    assert all(prob.dtype == np.float32 and prob.shape == (64, 64) for prob in stored.values())


def test_metrics_of_stored_predictions_equal_those_of_the_live_network(cascade, tmp_path):
    """Phase 2's validation reads fold 0's stored predictions; phase 3's runs coarse model 0."""
    metrics = {}
    for name, path in (("stored", cascade.phase2), ("live", cascade.phase3[0])):
        cfg = load(cascade, path, work_dir=tmp_path / name)
        cfg.experiment_name = f"val-{name}"
        metrics[name] = RUNNERS.build(cfg).val()
    for metric in OVERLAP_NAMES:
        assert metrics["stored"][f"val_coarse/{metric}"] == pytest.approx(
            metrics["live"][f"val_coarse/{metric}"], abs=1e-5
        )


def test_delta_is_exactly_zero_at_gate_zero(cascade, tmp_path):
    options = {"model.gate": dict(_delete_=True, type="ConstantGate", value=0.0)}
    cfg = load(cascade, cascade.phase3[0], options, work_dir=tmp_path)
    metrics = apis.test(cfg, str(folder(cascade, cascade.phase3[0]) / "best.pth"))
    assert [metrics[f"test_delta/{name}"] for name in OVERLAP_NAMES] == [0.0] * 5


def test_masks_and_overlays_of_a_test(cascade, tmp_path):
    cfg = load(cascade, cascade.phase3[1], work_dir=tmp_path / "work")
    best = str(folder(cascade, cascade.phase3[1]) / "best.pth")
    apis.test(cfg, best, out=str(tmp_path / "masks"), show_dir=str(tmp_path / "overlays"))
    data_root = Path(cfg.test_dataloader.dataset.data_root)
    names = sorted(path.stem for path in (data_root / "test/images").glob("*.png"))
    assert sorted(path.stem for path in (tmp_path / "masks").glob("*.png")) == names
    assert sorted(path.stem for path in (tmp_path / "overlays").glob("*.png")) == names
    for name in names:
        mask = cv2.imread(str(tmp_path / "masks" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        assert mask.shape == cv2.imread(str(data_root / f"test/images/{name}.png"), cv2.IMREAD_UNCHANGED).shape[:2]
        assert set(np.unique(mask)) <= {0, 255}


def test_checkpoints_load_without_unpickling_and_say_what_they_saw(cascade):
    runs = [(cascade.phase1, fold) for fold in range(5)] + [(path, 0) for path in (cascade.phase2, *cascade.phase3)]
    for path, fold in runs:
        checkpoint = torch.load(folder(cascade, path, fold) / "best.pth", weights_only=True)
        dataset = LesionDataset(**_dataset(load(cascade, path, fold=fold).train_dataloader.dataset))
        assert set(dataset.image_hashes.values()) <= set(checkpoint["meta"]["trained_on"])
        assert checkpoint["meta"]["profiles"] == {}
    assert checkpoint["meta"]["input_contract"]["sam_size"] == 128


def _dataset(cfg) -> dict:
    return dict(data_root=cfg.data_root, split=cfg.split, fold=cfg.fold)


def test_coarse_network_is_unchanged_by_the_first_stage(cascade):
    """The gated model trained for one epoch, all of it with the coarse network frozen, batch-norm statistics included."""
    phase1 = torch.load(folder(cascade, cascade.phase1) / "best.pth", weights_only=True)["state_dict"]
    gated = torch.load(folder(cascade, cascade.phase3[1]) / "last.pth", weights_only=True)["state_dict"]
    joint = torch.load(folder(cascade, cascade.phase3[0]) / "last.pth", weights_only=True)["state_dict"]
    for key, value in phase1.items():
        assert torch.equal(value, gated[f"coarse_source.{key}"]), key
        late = "decoder.blocks.2" in key or "decoder.blocks.3" in key or "head" in key
        trained = late and "running" not in key and "num_batches" not in key
        assert torch.equal(value, joint[f"coarse_source.{key}"]) != trained, key


def test_predictions_of_images_that_the_network_saw_are_refused(cascade, tmp_path):
    cfg = load(cascade, cascade.phase1, work_dir=tmp_path, fold=1)
    with pytest.raises(ValueError, match="would not be out of fold"):
        predict_coarse(cfg, str(folder(cascade, cascade.phase1) / "best.pth"), "val", root=str(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("split", ["val", "test"])
def test_predictions_of_copies_of_what_the_network_saw_are_refused(cascade, larger_phantoms, tmp_path, split):
    cfg = load(cascade, cascade.phase1, work_dir=tmp_path)
    cfg[f"{split}_dataloader"].dataset.data_root = str(larger_phantoms)
    with pytest.raises(ValueError, match=r"are predicted(.|\n)*large/case\d+ \(a copy of phantoms/\w+\)"):
        predict_coarse(cfg, str(folder(cascade, cascade.phase1) / "best.pth"), split, root=str(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


def test_phase_3_of_another_fold_refuses_this_folds_networks(cascade, tmp_path):
    options = {f"{split}_dataloader.dataset.fold": 1 for split in ("train", "val")}
    cfg = load(cascade, cascade.phase3[0], options, work_dir=tmp_path)
    with pytest.raises(ValueError, match=r"were trained on"):
        train(cfg)


def test_stale_predictions_are_refused(cascade, tmp_path, phantom_root):
    dataset = load(cascade, cascade.phase2).val_dataloader.dataset
    splits = json.loads((phantom_root / "splits.json").read_text())
    copy = tmp_path / "data"
    shutil.copytree(phantom_root, copy)
    name = next(name for name, entry in splits["images"].items() if entry["fold"] == 0)
    splits["images"][name]["sha256"] = "0" * 64
    (copy / "splits.json").write_text(json.dumps(splits))
    with pytest.raises(ValueError, match=name):
        LesionDataset(str(copy), split="val", fold=0, predictions=dataset.predictions)


def test_init_model_predicts_like_the_test(cascade, tmp_path):
    cfg = load(cascade, cascade.phase3[0], work_dir=tmp_path)
    model = init_model(cfg, str(folder(cascade, cascade.phase3[0]) / "best.pth"))
    assert not model.training
    with torch.inference_mode():
        output = model(dict(coarse_image=torch.rand(1, 1, 64, 64), sam_image=torch.rand(1, 3, 128, 128) * 255))
    assert output.refined_prob.shape == (1, 1, 128, 128)


def test_without_a_checkpoint_the_weights_that_a_recipe_names_are_tested(cascade, tmp_path):
    """Phase 3 before its training: the coarse network of phase 1 and the refiner of phase 2."""
    phase2 = load_config(cascade.phase2, set=cascade.set, fold=0)
    before = json.loads((Path(phase2.work_dir) / "metrics.json").read_text())
    metrics = apis.test(load_config(cascade.phase3[0], work_dir=tmp_path, set=cascade.set, fold=0))
    assert metrics["test_coarse/dice"] == pytest.approx(before["test_coarse/dice"], abs=2e-3)
    assert metrics["test_refined/dice"] == pytest.approx(before["test_refined/dice"], abs=2e-2)
    with pytest.raises(UserError, match="nothing fills model, whose weights would be random"):
        apis.test(load_config(cascade.phase1, work_dir=tmp_path, set=cascade.set, fold=0))


def test_the_truth_in_a_coarse_masks_place_is_not_measured_as_one(cascade, tmp_path):
    cfg = load_config(cascade.phase2, work_dir=tmp_path, set=cascade.set, fold=0)
    dataset = cfg.test_dataloader.dataset
    dataset.pipeline = [
        dict(type="TruthAsCoarse") if step.type == "LoadCoarsePrediction" else step for step in dataset.pipeline
    ]
    dataset.predictions = None
    metrics = apis.test(cfg, str(Path(load_config(cascade.phase2, set=cascade.set, fold=0).work_dir) / "best.pth"))
    assert "test_refined/dice" in metrics
    assert not [name for name in metrics if name.startswith(("test_coarse/", "test_delta/"))]
