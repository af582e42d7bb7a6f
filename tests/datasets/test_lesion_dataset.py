"""The data set on converted phantoms: parts, randomness, stored predictions, errors."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from ultraref.datasets import LesionDataset, PredictionManifest, PredictionStore, Splits
from ultraref.datasets.converters import RawSample, convert, find_busi
from ultraref.registry import DATASETS
from ultraref.testing.phantom import make_phantom

PIPELINE = [
    {"type": "LoadImage"},
    {"type": "LoadLesionMask"},
    {"type": "RandomRotateFlip"},
    {"type": "ResizeToModels", "inputs": ["coarse", "sam"], "gt": "sam"},
    {"type": "PackSegInputs", "keep_original": True},
]


def store_predictions(data_root, root, folds, size=16):
    """Stores for each image of a fold a constant that names the fold: (fold + 1) / 10."""
    store = PredictionStore(root)
    for fold in folds:
        for split in ("val", "test"):
            dataset = LesionDataset(data_root, split, fold)
            with store.writer(PredictionManifest(fold, split, size, "c", "h", "f")) as writer:
                for name, sha256 in dataset.image_hashes.items():
                    writer.add(name, np.full((size, size), (fold + 1) / 10, np.float32), sha256)


@pytest.fixture
def predictions(phantom_root, tmp_path):
    store_predictions(phantom_root, tmp_path / "predictions", range(5))
    return str(tmp_path / "predictions")


def test_parts_are_disjoint_and_complete(phantom_root):
    everything = set(Splits.read(phantom_root).images)
    test = set(LesionDataset(phantom_root, "test").names)
    training = set(LesionDataset(phantom_root, "train").names)
    folds = [set(LesionDataset(phantom_root, "val", fold).names) for fold in range(5)]
    assert len(everything) == 27
    assert test | training == everything
    assert not test & training
    assert sum(map(len, folds)) == len(training)
    for fold, held_out in enumerate(folds):
        assert set(LesionDataset(phantom_root, "train", fold).names) == training - held_out


def test_a_sample_goes_through_the_pipeline(phantom_root):
    options = {"split": "train", "fold": 1, "pipeline": PIPELINE, "sizes": {"coarse": 32, "sam": 64}}
    dataset = DATASETS.build({"type": "LesionDataset", "data_root": str(phantom_root), **options})
    sample = dataset[2]
    assert sample["inputs"]["coarse_image"].shape == (1, 32, 32)
    assert sample["inputs"]["sam_image"].dtype == torch.uint8
    meta = sample["data_samples"].metainfo
    name = dataset.names[2]
    entry = dataset.splits.images[name]
    assert (meta["name"], meta["fold"], meta["image_hash"]) == (name, entry.fold, entry.sha256)
    assert (meta["pixels_hash"], meta["group"], meta["group_kind"]) == (entry.pixels, entry.group, "duplicate group")
    assert meta["attributes"] == dataset.splits.cases.rows[name]
    assert meta["attributes"]["class"] == entry.category
    assert meta["normal"] is False
    assert entry.fold != 1
    assert sample["data_samples"].gt_original.data.shape == (1, *meta["ori_shape"])


def test_random_numbers_depend_on_seed_epoch_and_index_alone(phantom_root):
    def draws(seed, key):
        dataset = LesionDataset(phantom_root, "train", seed=seed, pipeline=[lambda results: results["rng"].random(3)])
        dataset[0, 5]  # what was drawn before doesn't matter
        return tuple(dataset[key])

    assert draws(0, 3) == draws(0, (0, 3))
    assert draws(0, (7, 3)) == tuple(np.random.default_rng([0, 7, 3]).random(3))
    assert len({draws(0, (0, 3)), draws(0, (1, 3)), draws(0, (0, 4)), draws(1, (0, 3))}) == 4


@pytest.mark.parametrize(("split", "fold"), [("train", 2), ("val", 2), ("train", None)])
def test_a_stored_prediction_is_that_of_the_model_that_held_the_image_out(phantom_root, predictions, split, fold):
    dataset = LesionDataset(
        phantom_root, split, fold, predictions=predictions, pipeline=[{"type": "LoadCoarsePrediction"}]
    )
    assert dataset.coarse_size == 16
    for index, name in enumerate(dataset.names):
        expected = np.float32((dataset.splits.images[name].fold + 1) / 10)
        assert (dataset[index]["coarse_prob"] == expected).all()


def test_predictions_of_another_size_than_the_networks_are_refused(phantom_root, predictions):
    assert LesionDataset(phantom_root, "val", 0, predictions=predictions, sizes={"coarse": 16}).coarse_size == 16
    # A model of phase 2 has no coarse network that could say it.
    sizes = LesionDataset(phantom_root, "val", 0, predictions=predictions, sizes={"sam": 64})[0]["sizes"]
    assert sizes == {"coarse": 16, "sam": 64}
    with pytest.raises(ValueError, match=r"are 16 px.*is 32 px \(sizes\['coarse'\]\)"):
        LesionDataset(phantom_root, "val", 0, predictions=predictions, sizes={"coarse": 32, "sam": 64})


@pytest.mark.parametrize("size", [0, 22.4, "224"])
def test_sizes_are_checked(phantom_root, size):
    with pytest.raises(ValueError, match=r"sizes\['coarse'\] is .*sizes=dict\(coarse=224"):
        LesionDataset(phantom_root, sizes={"coarse": size})


def test_a_test_image_takes_the_prediction_of_the_given_fold(phantom_root, predictions):
    dataset = LesionDataset(
        phantom_root, "test", 3, predictions=predictions, pipeline=[{"type": "LoadCoarsePrediction"}]
    )
    assert (dataset[0]["coarse_prob"] == np.float32(0.4)).all()
    with pytest.raises(ValueError, match="give the data set a fold"):
        LesionDataset(phantom_root, "test", predictions=predictions)


def test_missing_and_stale_predictions_stop_at_the_start(phantom_root, tmp_path):
    store_predictions(phantom_root, tmp_path, [0, 1, 2])
    path = tmp_path / "fold0" / "val" / "manifest.json"
    content = json.loads(path.read_text())
    stale = min(content["images"])
    content["images"][stale] = "0" * 64
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError) as error:
        LesionDataset(phantom_root, "train", 4, predictions=str(tmp_path))
    assert stale in str(error.value)
    assert "fold3" in str(error.value)
    assert "fold4" not in str(error.value)


def test_names_choose_images(phantom_root):
    names = LesionDataset(phantom_root, "val", 0).names[:2]
    assert LesionDataset(phantom_root, "val", 0, names=names[::-1]).names == names
    with pytest.raises(ValueError, match=r"split 'val', fold 0.*does not hold nobody"):
        LesionDataset(phantom_root, "val", 0, names=[*names, "nobody"])
    with pytest.raises(ValueError, match="is empty"):
        LesionDataset(phantom_root, "val", 0, names=[])


def test_index_out_of_range(phantom_root):
    dataset = LesionDataset(phantom_root, "test")
    for index in (-1, len(dataset), (0, len(dataset))):
        with pytest.raises(IndexError, match=f"of {len(dataset)}"):
            dataset[index]


def test_a_missing_root_or_file_is_named(phantom_root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.*dataset_converters"):
        LesionDataset(tmp_path / "nowhere")
    root = shutil.copytree(phantom_root, tmp_path / "copy")
    gone = LesionDataset(root, "test").names[0]
    (root / "test" / "masks" / f"{gone}.png").unlink()
    with pytest.raises(FileNotFoundError, match=rf"1 files.*\n- .*masks/{gone}\.png"):
        LesionDataset(root, "test")
    LesionDataset(root, "train")  # the other part is whole
    skipping = LesionDataset(root, "test", missing="skip")
    assert skipping.missing == (gone,)
    assert gone not in skipping.names
    assert skipping.metainfo["missing"] == 1
    with pytest.raises(ValueError, match="missing is 'ignore'"):
        LesionDataset(root, "test", missing="ignore")
    shutil.rmtree(root / "test" / "images")
    with pytest.raises(FileNotFoundError, match=f"{len(LesionDataset(phantom_root, 'test').names) + 1} files"):
        LesionDataset(root, "test", missing="skip")  # nothing is left


@pytest.fixture(scope="module")
def root_with_normals(raw_phantoms, tmp_path_factory):
    """Ten normals in the training part, beside 22 images with a lesion; and some in the test set."""
    source = raw_phantoms
    found = find_busi(source)
    folder = tmp_path_factory.mktemp("raw")
    for number in range(12):
        phantom = make_phantom(np.random.default_rng([9, number]), "normal")
        Image.fromarray(phantom.image).save(folder / f"extra{number}.png")
        Image.fromarray(np.zeros_like(phantom.image)).save(folder / f"extra{number}_m.png")
        found.samples.append(
            RawSample(f"extra{number}", folder / f"extra{number}.png", (folder / f"extra{number}_m.png",))
        )
    root = tmp_path_factory.mktemp("set") / "normals"
    convert(found, root, "phantoms", keep_normals=True)
    return root


def test_normals_are_for_tests_and_train_by_a_stated_share(root_with_normals):
    splits = Splits.read(root_with_normals)
    test = LesionDataset(root_with_normals, "test")
    assert test.names == sorted(splits.select("test") + splits.select("test", normals=True))
    assert LesionDataset(root_with_normals, "test", normals=False).names == splits.select("test")
    for split in ("train", "val"):
        assert LesionDataset(root_with_normals, split, 1).names == splits.select(split, 1)
    lesions, there = splits.select("train"), splits.select("train", normals=True)
    dataset = LesionDataset(root_with_normals, "train", normals=0.2, seed=3)
    drawn = [name for name in dataset.names if splits.images[name].normal]
    assert len(drawn) == round(0.2 * len(dataset))
    assert set(dataset.names) - set(drawn) == set(lesions)
    assert LesionDataset(root_with_normals, "train", normals=0.2, seed=3).names == dataset.names
    assert LesionDataset(root_with_normals, "train", normals=0.2, seed=4).names != dataset.names
    most = len(there) / (len(lesions) + len(there))
    with pytest.raises(ValueError, match=rf"but it has {len(there)}: at most {most:.3f}$"):
        LesionDataset(root_with_normals, "train", normals=0.9)
    with pytest.raises(ValueError, match=r"normals is 1\.5"):
        LesionDataset(root_with_normals, "train", normals=1.5)
    assert LesionDataset(root_with_normals, "all").names == sorted(splits.images)


def test_normals_of_a_set_without_any(phantom_root):
    assert len(LesionDataset(phantom_root, "all", normals=True)) == 27
    with pytest.raises(ValueError, match="--keep-normals"):
        LesionDataset(phantom_root, "train", normals=0.1)


def test_an_error_is_never_simulated_of_a_normal(root_with_normals):
    simulated = {"type": "SimulateCoarse", "augmentor": {"type": "MaskErrorAugmentor"}}
    hybrid = {"type": "HybridCoarse", "ratio": 0.0, "simulated": simulated, "stored": lambda results: "stored"}
    load = [{"type": "LoadImage"}, {"type": "LoadLesionMask"}]
    options = {"split": "test", "sizes": {"coarse": 16}}
    mixed = LesionDataset(root_with_normals, pipeline=[*load, hybrid], **options)
    alone = LesionDataset(root_with_normals, pipeline=[*load, simulated], **options)
    for index, name in enumerate(mixed.names):
        normal = mixed.splits.images[name].normal
        assert (mixed[index] == "stored") == normal
        if normal:
            assert not alone[index]["coarse_prob"].any()
            assert alone[index]["mask_error"] == {"error_type": None}


def test_metainfo_names_an_ungrouped_split(phantom_root):
    meta = LesionDataset(phantom_root, "val", 1).metainfo
    assert (meta["dataset"], meta["grouped"], meta["fold"]) == ("phantoms", True, 1)
    assert meta["splits_hash"] == Splits.read(phantom_root).hash
