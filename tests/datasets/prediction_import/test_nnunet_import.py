"""nnU-Net's results into the prediction store: what arrives there, and every mistake as one message."""

import json
import shutil

import cv2
import numpy as np
import pytest

from ultraref.datasets import LesionDataset, PredictionStore, Splits
from ultraref.datasets.image_io import encode_png, read_image, sha256_of_file
from ultraref.datasets.prediction_import import (
    NameMatcher,
    NnunetSplits,
    find_nnunet,
    import_predictions,
    read_names,
    write_nnunet_splits,
)
from ultraref.testing.nnunet_tree import lesion_probability, write_nnunet_tree

SIZE = 32


@pytest.fixture(scope="module")
def written(tmp_path_factory, phantom_root):
    root = tmp_path_factory.mktemp("nnunet")
    return root, write_nnunet_tree(root, phantom_root)


@pytest.fixture
def tree(written, tmp_path):
    """A copy of the tree that a test may spoil."""
    root, tree = written
    shutil.copytree(root, tmp_path / "tool")
    return type(tree)(*(tmp_path / "tool" / path.relative_to(root) for path in (tree.results, tree.splits, tree.test)))


@pytest.fixture
def splits(phantom_root):
    return Splits.read(phantom_root)


def load(tree, phantom_root, tmp_path, test=True, table=None, size=SIZE):
    data = Splits.read(phantom_root)
    source = find_nnunet(
        tree.results,
        NnunetSplits.read(tree.splits),
        data,
        NameMatcher(data.images, table),
        {0: tree.test} if test else None,
    )
    return import_predictions(source, phantom_root, tmp_path / "store", size)


def change_splits(tree, change):
    folds = json.loads(tree.splits.read_text())
    change(folds)
    tree.splits.write_text(json.dumps(folds))


def files_of(tree, fold, name):
    return sorted((tree.results / f"fold_{fold}/validation").glob(f"{name}.*"))


def test_every_image_gets_the_prediction_of_the_fold_that_held_it_out(tree, phantom_root, tmp_path, splits):
    report = load(tree, phantom_root, tmp_path)
    store = PredictionStore(tmp_path / "store")
    assert report.hard == 0
    assert sum(map(len, report.dice.values())) == len(splits.images)
    for name, entry in splits.images.items():
        fold, split = (0, "test") if entry.split == "test" else (entry.fold, "val")
        prob = store.read(name, fold, split, entry.sha256)
        native = lesion_probability(phantom_root / f"{entry.split}/masks/{name}.png")
        # An average over areas: the mean is kept.
        np.testing.assert_allclose(prob.mean(), native.mean(), atol=1e-3)
        np.testing.assert_allclose(prob, cv2.resize(native, (SIZE, SIZE), interpolation=cv2.INTER_AREA), atol=1e-5)
    for fold in range(splits.num_folds):
        manifest = store.manifest(fold, "val")
        assert manifest.checkpoint == str(tree.results / f"fold_{fold}/checkpoint_final.pth")
        assert manifest.checkpoint_sha256 == sha256_of_file(manifest.checkpoint)
        assert manifest.network == report.network
    assert report.network.types == ("imported", "nnunet", "nnUNetTrainer__nnUNetPlans__2d")
    # The prediction is the mask, blurred: at 0.5 nearly the mask.
    assert min(min(values) for values in report.dice.values()) > 0.8
    for split in ("train", "val", "test"):
        assert LesionDataset(phantom_root, split, 0, predictions=str(tmp_path / "store")).coarse_size == SIZE


def test_masks_alone_are_taken_and_the_report_says_what_they_lack(tmp_path, phantom_root, splits):
    tree = write_nnunet_tree(tmp_path / "tool", phantom_root, probabilities=False)
    report = load(tree, phantom_root, tmp_path, test=False)
    assert report.hard == len(splits.select("train"))
    assert "needs probabilities (nnU-Net: --npz)" in str(report)
    name = splits.select("val", 1)[0]
    hard = lesion_probability(phantom_root / f"train/masks/{name}.png") > 0.5
    np.testing.assert_allclose(PredictionStore(tmp_path / "store").read(name, 1, "val").mean(), hard.mean(), atol=1e-3)


def test_splits_that_are_written_are_those_of_the_set(tmp_path, splits):
    write_nnunet_splits(splits, tmp_path / "splits_final.json")
    nnunet = NnunetSplits.read(tmp_path / "splits_final.json")
    assert nnunet.cases == set(splits.select("train"))
    for name in splits.select("train"):
        assert nnunet.held_out_in(name) == [splits.images[name].fold]
        assert [name in cases for cases in nnunet.train] == [
            fold != splits.images[name].fold for fold in range(splits.num_folds)
        ]


def test_splits_have_the_names_of_labels(tmp_path, splits, phantom_root):
    """Cases in nnU-Net's spelling, test images and strangers left out, come back to their images."""
    labels = tmp_path / "labelsTr"
    labels.mkdir()
    spelled = {name: name.replace("_00", " 0").upper() for name in splits.images}
    for case in [*spelled.values(), "stranger"]:
        (labels / f"{case}.nii.gz").touch()
    text = write_nnunet_splits(splits, tmp_path / "splits_final.json", labels)
    nnunet = NnunetSplits.read(tmp_path / "splits_final.json")
    assert nnunet.cases == {spelled[name] for name in splits.select("train")}
    assert f"left out, as they are no training images of the set: {len(splits.select('test')) + 1} cases" in text
    for path in labels.iterdir():
        if spelled[splits.select("train")[0]] in path.name:
            path.unlink()
    with pytest.raises(ValueError, match=r"1 training images of phantoms have no case"):
        write_nnunet_splits(splits, tmp_path / "again.json", labels)
    assert not (tmp_path / "again.json").exists()


def test_a_table_gives_names_and_leaves_cases_out(tree, phantom_root, tmp_path, splits):
    name = splits.select("val", 2)[0]
    for path in files_of(tree, 2, name):
        path.rename(path.with_name("patient9" + path.suffix))
        shutil.copy(path.with_name("patient9" + path.suffix), path.with_name("normal" + path.suffix))

    def rename(folds):
        for fold in folds:
            for part in ("train", "val"):
                fold[part] = ["patient9" if case == name else case for case in fold[part]]
        folds[2]["val"].append("normal")

    change_splits(tree, rename)
    with pytest.raises(ValueError, match=r"2 of \d+ cases are no images of the set.*normal, patient9.*--names"):
        load(tree, phantom_root, tmp_path)
    (tmp_path / "names.csv").write_text(f"case,name\npatient9,{name}\nnormal,\n")
    load(tree, phantom_root, tmp_path, table=read_names(tmp_path / "names.csv"))
    assert PredictionStore(tmp_path / "store").read(name, 2, "val").shape == (SIZE, SIZE)


def swap_folds(tree, splits):
    """nnU-Net trained with other folds than the set's."""
    change_splits(tree, lambda folds: folds.insert(0, folds.pop(1)))
    first, second = tree.results / "fold_0", tree.results / "fold_1"
    first.rename(tree.results / "swap")
    second.rename(first)
    (tree.results / "swap").rename(second)


def other_splits(tree, splits):
    change_splits(tree, lambda folds: folds.insert(0, folds.pop(1)))


def remove_one(tree, splits):
    for path in files_of(tree, 1, splits.select("val", 1)[0]):
        path.unlink()


def remove_a_fold(tree, splits):
    shutil.rmtree(tree.results / "fold_3")


def never_held_out(tree, splits):
    name = splits.select("val", 1)[0]
    remove_one(tree, splits)
    change_splits(tree, lambda folds: folds[1]["val"].remove(name))


def misname(tree, splits):
    for path in files_of(tree, 1, splits.select("val", 1)[0]):
        path.rename(path.with_name("lesion" + path.suffix))


def same_image_twice(tree, splits):
    name = splits.select("val", 1)[0]
    for path in files_of(tree, 1, name):
        shutil.copy(path, path.with_name(name.upper() + path.suffix))
    change_splits(tree, lambda folds: folds[1]["val"].append(name.upper()))


def seen_test_image(tree, splits):
    change_splits(tree, lambda folds: folds[0]["train"].append(splits.select("test")[0]))


def another_shape(tree, splits):
    (path,) = (path for path in files_of(tree, 1, splits.select("val", 1)[0]) if path.suffix == ".npz")
    np.savez(path, probabilities=np.full((2, 1, 10, 12), 0.5, np.float32))


def lacking_test_image(tree, splits):
    for path in tree.test.glob(f"{splits.select('test')[0]}.*"):
        path.unlink()


def only_masks_of_test_images(tree, splits):
    for path in tree.test.glob("*.npz"):
        path.unlink()


def training_images_as_test(tree, splits):
    shutil.copy(files_of(tree, 1, splits.select("val", 1)[0])[0], tree.test)


def held_out_twice(tree, splits):
    name = splits.select("val", 1)[0]
    change_splits(tree, lambda folds: (folds[2]["train"].remove(name), folds[2]["val"].append(name)))


def trained_and_held_out(tree, splits):
    change_splits(tree, lambda folds: folds[1]["train"].append(folds[1]["val"][0]))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (swap_folds, r"holds out in another fold, so that this model was trained on them.*write-splits.*--folds"),
        (other_splits, r"the model of fold 0 was trained on .* not out of fold"),
        (remove_one, r"fold_1/validation: no \.npz of 1 cases that fold 1 holds out"),
        (remove_a_fold, r"fold_3/validation: no such folder.*nnUNetv2_train"),
        (never_held_out, r"1 training images have no prediction"),
        (misname, r"cases that .*splits_final\.json doesn't have in fold 1: lesion"),
        (same_image_twice, r"are all image '.*'.*--names"),
        (seen_test_image, r"nnU-Net was trained on 1 test images of the set"),
        (another_shape, r"\.npz.*10.*12"),
        (lacking_test_image, r"fold 0 predicts test images, but not 1 of them"),
        (only_masks_of_test_images, r"test_0: has no \.npz.*--save_probabilities"),
        (training_images_as_test, r"1 predictions are of images which are training images of the set"),
        (held_out_twice, r"cases that two folds hold out"),
        (trained_and_held_out, r"fold 1 trains on cases that it holds out"),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_written(spoil, message, tree, phantom_root, tmp_path, splits):
    spoil(tree, splits)
    with pytest.raises(ValueError, match=message):
        load(tree, phantom_root, tmp_path)
    assert not list((tmp_path / "store").rglob("*.npy"))


def test_an_image_that_changed_after_the_conversion_is_refused(tree, phantom_root, tmp_path, splits):
    data = tmp_path / "data"
    shutil.copytree(phantom_root, data)
    path = data / f"train/images/{splits.select('val', 1)[0]}.png"
    path.write_bytes(encode_png(255 - read_image(path)))
    with pytest.raises(ValueError, match=rf"{path.name}: is not the file that splits\.json records"):
        load(tree, data, tmp_path)


def test_a_fold_that_was_trained_anew_makes_the_store_stale(tree, phantom_root, tmp_path):
    load(tree, phantom_root, tmp_path)
    (tree.results / "fold_2/checkpoint_final.pth").write_bytes(b"others")
    with pytest.raises(ValueError, match=r"fold_2/checkpoint_final\.pth was trained anew.*\n.*import_predictions"):
        LesionDataset(phantom_root, "train", 0, predictions=str(tmp_path / "store"))


def test_folds_of_two_imports_are_not_mixed(tree, phantom_root, tmp_path, splits):
    load(tree, phantom_root, tmp_path)
    shutil.copytree(tmp_path / "store/fold0", tmp_path / "kept")
    name = splits.select("val", 1)[0]
    lesion = 0.9 * lesion_probability(phantom_root / f"train/masks/{name}.png")
    np.savez(tree.results / f"fold_1/validation/{name}.npz", probabilities=np.stack([1 - lesion, lesion])[:, None])
    load(tree, phantom_root, tmp_path)
    shutil.rmtree(tmp_path / "store/fold0")
    (tmp_path / "kept").rename(tmp_path / "store/fold0")
    with pytest.raises(ValueError, match=r"different networks.*imported > nnunet"):
        LesionDataset(phantom_root, "val", 0, predictions=str(tmp_path / "store"))


def test_a_store_of_ones_own_network_is_not_replaced(tree, phantom_root, tmp_path):
    load(tree, phantom_root, tmp_path)
    path = tmp_path / "store/fold1/val/manifest.json"
    content = json.loads(path.read_text())
    content["network"] = {"sha256": "0" * 64, "types": ["EncoderDecoder"]}
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"store: holds predictions of EncoderDecoder.*--out"):
        load(tree, phantom_root, tmp_path)


@pytest.mark.parametrize("content", ["{}", "[]", '[{"train": ["a"]}]', '[{"train": "a", "val": ["b"]}]', "not JSON"])
def test_what_is_no_splits_file(content, tmp_path):
    (tmp_path / "splits_final.json").write_text(content)
    with pytest.raises(
        ValueError, match=r"splits_final\.json: ?(is no (whole )?splits_final\.json of nnU-Net|\n- there are no)"
    ):
        NnunetSplits.read(tmp_path / "splits_final.json")


def test_folders_that_are_not_nnunets(tree, phantom_root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"did you mean .*nnUNetTrainer__nnUNetPlans__2d\?"):
        load(type(tree)(tree.results.parent, tree.splits, tree.test), phantom_root, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"--test: no such folder: .*nowhere"):
        load(type(tree)(tree.results, tree.splits, tmp_path / "nowhere"), phantom_root, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"splits_final\.json: no such file.*nnUNet_preprocessed"):
        NnunetSplits.read(tmp_path / "splits_final.json")
