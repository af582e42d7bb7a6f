"""Predictions listed in a CSV file: which are taken, and every mistake as one message."""

import numpy as np
import pytest

from ultraref.datasets import PredictionStore, Splits
from ultraref.datasets.image_io import read_image
from ultraref.datasets.prediction_import import NameMatcher, find_listed, import_predictions


@pytest.fixture
def splits(phantom_root):
    return Splits.read(phantom_root)


@pytest.fixture
def rows(splits, phantom_root, tmp_path):
    """A constant prediction of each image, the first one 1/64, the next 2/64, ...; those of test images by fold 2."""
    rows = []
    for index, (name, entry) in enumerate(splits.images.items()):
        shape = read_image(phantom_root / f"{entry.split}/images/{name}.png").shape
        np.save(tmp_path / f"p{index}.npy", np.full(shape, (index + 1) / 64, np.float32))
        rows.append([name, 2 if entry.fold is None else entry.fold, f"p{index}.npy", ""])
    return rows


def load(rows, phantom_root, tmp_path, header="name,fold,file,split"):
    table, splits = tmp_path / "table.csv", Splits.read(phantom_root)
    table.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]))
    source = find_listed(table, splits, NameMatcher(splits.images))
    return import_predictions(source, phantom_root, tmp_path / "store", 16)


def test_each_row_arrives_at_its_place(rows, phantom_root, tmp_path, splits):
    rows[0][3] = "test" if splits.images[rows[0][0]].split == "test" else "val"
    report = load(rows, phantom_root, tmp_path)
    assert report.network.types == ("imported", "csv", "table.csv")
    store = PredictionStore(tmp_path / "store")
    for index, (name, fold, _, _) in enumerate(rows):
        split = "test" if splits.images[name].split == "test" else "val"
        prob = store.read(name, fold, split, splits.images[name].sha256)
        np.testing.assert_allclose(prob, (index + 1) / 64, rtol=1e-5)


def first_of(rows, splits, part):
    return next(row for row in rows if splits.images[row[0]].split == part)


def wrong_fold(rows, splits):
    row = first_of(rows, splits, "train")
    row[1] = (row[1] + 1) % splits.num_folds


def no_fold(rows, splits):
    rows[0][1] = "first"


def missing(rows, splits):
    rows.remove(first_of(rows, splits, "train"))


def missing_test_image(rows, splits):
    rows.remove(first_of(rows, splits, "test"))


def twice(rows, splits):
    rows.append(first_of(rows, splits, "train"))


def misnamed(rows, splits):
    first_of(rows, splits, "train")[0] = "nobody"


def wrong_split(rows, splits):
    first_of(rows, splits, "train")[3] = "test"


def no_file(rows, splits):
    rows[0][2] = "gone.npy"


def none(rows, splits):
    rows.clear()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (wrong_fold, r"holds out in another fold, so that this model was trained on them.*\(fold \d, not \d\)"),
        (no_fold, r"line 2: fold is 'first'; the set has the folds 0 to 4"),
        (missing, r"1 training images have no prediction"),
        (missing_test_image, r"fold 2 predicts test images, but not 1 of them"),
        (twice, r"more than one prediction of"),
        (misnamed, r"1 names are no images of the set: nobody"),
        (wrong_split, r"split of .* is 'test', but by the set's splits\.json it is 'val'"),
        (no_file, r"1 files are not there: .*gone\.npy"),
        (none, r"there are no rows"),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_written(spoil, message, rows, phantom_root, tmp_path, splits):
    spoil(rows, splits)
    with pytest.raises(ValueError, match=message):
        load(rows, phantom_root, tmp_path)
    assert not list((tmp_path / "store").rglob("*.npy"))


def test_test_images_may_be_left_out_and_be_predicted_by_several_folds(rows, phantom_root, tmp_path, splits):
    training = [row for row in rows if splits.images[row[0]].split == "train"]
    load(training, phantom_root, tmp_path)
    assert not list((tmp_path / "store").glob("*/test"))
    test = [row for row in rows if row not in training]
    load([*rows, *([name, 3, file, ""] for name, _, file, _ in test)], phantom_root, tmp_path)
    assert sorted(path.parent.name for path in (tmp_path / "store").glob("*/test")) == ["fold2", "fold3"]


def test_a_table_without_its_columns(rows, phantom_root, tmp_path):
    with pytest.raises(ValueError, match=r"must name the columns name,fold,file; it has image,fold,path"):
        load([row[:3] for row in rows], phantom_root, tmp_path, header="image,fold,path")
