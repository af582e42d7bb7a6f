"""What is missing is listed at once, each with the command that makes it."""

import json

import pytest
from mmengine.config import Config

from ultraref.engine.inputs import MissingInputsError, find_missing_inputs, require_inputs

ADVICE = "train the phase that it belongs to with tools/train.py, or download the published weights"


def dataset(root, split, fold, **options):
    return {"dataset": {"type": "LesionDataset", "data_root": str(root), "split": split, "fold": fold, **options}}


def write_splits(root, folds=3):
    root.mkdir(parents=True)
    images = {f"case{i}": {"split": "train", "fold": i % folds} for i in range(6)}
    images["case6"] = {"split": "test", "fold": None}
    (root / "splits.json").write_text(json.dumps({"images": images}))


def write_file(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


def test_everything_missing_is_listed_with_its_key_kind_and_command(tmp_path):
    data, predictions = tmp_path / "data", tmp_path / "preds"
    cfg = Config(
        {
            "model": {
                "refiner": {"sam": {"checkpoint": str(tmp_path / "sam.pth")}},
                "coarse": [{"pretrained": str(tmp_path / "vit.npz")}, {"pretrained": True}, {"checkpoint": None}],
                "init": {"checkpoint": "https://example.org/weights.pth"},
            },
            "load_from": str(tmp_path / "phase1" / "best.pth"),
            "train_dataloader": dataset(data, "train", 0, predictions=str(predictions)),
            "val_dataloader": dataset(data, "val", 0, predictions=str(predictions)),
            "test_dataloader": dataset(tmp_path / "other", "test", 0),
            "made_by": {
                str(data): "python convert.py",
                f"{tmp_path}/{{phase}}/best.pth": "python tools/train.py {phase}.py",
                f"{predictions}/fold{{k}}/val": "python predict.py fold{k}.py --split val",
            },
        }
    )
    found = {(m.config_key, m.path.removeprefix(f"{tmp_path}/"), m.kind): m.command for m in find_missing_inputs(cfg)}
    assert found == {
        ("load_from", "phase1/best.pth", "checkpoint"): "python tools/train.py phase1.py",
        ("model.refiner.sam.checkpoint", "sam.pth", "checkpoint"): ADVICE,
        ("model.coarse.0.pretrained", "vit.npz", "checkpoint"): ADVICE,
        ("train_dataloader.dataset.data_root", "data/splits.json", "data set"): "python convert.py",
        (
            "train_dataloader.dataset.predictions",
            "preds/fold*/val/manifest.json",
            "predictions",
        ): "python predict.py fold*.py --split val",
        (
            "val_dataloader.dataset.predictions",
            "preds/fold0/val/manifest.json",
            "predictions",
        ): "python predict.py fold0.py --split val",
    }


@pytest.mark.parametrize(
    ("split", "fold", "folders"),
    [
        ("train", 0, ["fold1/val", "fold2/val"]),
        ("train", None, ["fold0/val", "fold1/val", "fold2/val"]),
        ("val", 2, ["fold2/val"]),
        ("test", 1, ["fold1/test"]),
    ],
)
def test_manifests_are_those_of_the_images_own_folds(tmp_path, split, fold, folders):
    write_splits(tmp_path / "data")
    loader = dataset(tmp_path / "data", split, fold, predictions=str(tmp_path / "preds"))
    cfg = Config({"test_dataloader": loader})
    expected = [str(tmp_path / "preds" / folder / "manifest.json") for folder in folders]
    assert [m.path for m in find_missing_inputs(cfg)] == expected
    for path in expected:
        write_file(tmp_path / "preds" / path.split("preds/")[1])
    assert find_missing_inputs(cfg) == []


def test_members_of_a_concatenated_set_are_looked_at(tmp_path):
    members = [dataset(tmp_path / name, "train", 0)["dataset"] for name in ("a", "b")]
    cfg = Config({"train_dataloader": {"dataset": {"type": "ConcatLesionDataset", "datasets": members}}})
    assert [m.config_key for m in find_missing_inputs(cfg)] == [
        "train_dataloader.dataset.datasets.0.data_root",
        "train_dataloader.dataset.datasets.1.data_root",
    ]


def test_what_members_of_a_concatenated_set_share_is_handed_on(tmp_path):
    for name in ("a", "b"):
        write_splits(tmp_path / name)
    members = [{"data_root": str(tmp_path / "a")}, {"data_root": str(tmp_path / "b"), "split": "test"}]
    shared = {"split": "val", "fold": 1, "predictions": str(tmp_path / "preds")}
    cfg = Config({"val_dataloader": {"dataset": {"type": "ConcatLesionDataset", "datasets": members, **shared}}})
    cfg.train_dataloader = {}
    assert [(m.config_key, m.path) for m in find_missing_inputs(cfg)] == [
        (f"val_dataloader.dataset.datasets.{i}.predictions", str(tmp_path / f"preds/fold1/{split}/manifest.json"))
        for i, split in enumerate(("val", "test"))
    ]


def test_one_error_lists_all(tmp_path):
    cfg = Config(
        {
            "load_from": str(tmp_path / "best.pth"),
            "test_dataloader": dataset(tmp_path / "data", "test", None),
            "made_by": {str(tmp_path / "data"): "python convert.py"},
        }
    )
    with pytest.raises(MissingInputsError, match="2 missing inputs") as error:
        require_inputs(cfg)
    message = str(error.value)
    assert f"{tmp_path}/best.pth (checkpoint, load_from)" in message
    assert (
        f"{tmp_path}/data/splits.json (data set, test_dataloader.dataset.data_root)\n    python convert.py" in message
    )
    assert isinstance(error.value, FileNotFoundError)
    write_file(tmp_path / "best.pth")
    write_splits(tmp_path / "data")
    require_inputs(cfg)


def test_a_part_with_a_checkpoint_needs_no_initial_weights(tmp_path):
    sam, phase2 = str(tmp_path / "sam.pth"), str(tmp_path / "phase2" / "best.pth")
    cfg = Config({"model": {"refiner": {"checkpoint": phase2, "sam": {"checkpoint": sam}}}})
    assert [item.path for item in find_missing_inputs(cfg)] == [phase2]
    cfg.model.refiner.checkpoint = None
    assert [item.path for item in find_missing_inputs(cfg)] == [sam]


def test_exclusion_manifests_and_annotations_are_looked_for(tmp_path):
    options = {"exclude": str(tmp_path / "exclude.json"), "ann_file": str(tmp_path / "coco.json")}
    missing = find_missing_inputs(Config({"test_dataloader": dataset(tmp_path / "data", "test", None, **options)}))
    kinds = {item.config_key.rpartition(".")[2]: item.kind for item in missing}
    assert kinds == {"data_root": "data set", "exclude": "exclusion manifest", "ann_file": "annotations"}


def test_published_weights_come_with_the_command_that_fetches_them(tmp_path, monkeypatch):
    monkeypatch.setenv("ULTRAREF_WEIGHTS", str(tmp_path))
    elsewhere = tmp_path / "other place"
    paths = {
        "here": tmp_path / "medsam_vit_b.pth",
        "there": elsewhere / "lite_medsam.pth",
        # Behind a page of Google Drive, and unknown.
        "page": tmp_path / "medsam_20230423_vit_b_0.0.1.pth",
        "own": tmp_path / "own.pth",
    }
    cfg = Config({"model": {part: {"checkpoint": str(path)} for part, path in paths.items()}})
    assert [item.command for item in find_missing_inputs(cfg)] == [
        "python tools/get_weights.py get medsam_vit_b",
        f"ULTRAREF_WEIGHTS='{elsewhere}' python tools/get_weights.py get lite_medsam",
        ADVICE,
        ADVICE,
    ]
