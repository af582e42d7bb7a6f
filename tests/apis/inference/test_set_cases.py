"""Images of a converted set bring what its cases.csv says of them into predictions.csv."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from ultraref.apis import UltraRefInferencer, predict_files
from ultraref.apis.inference.measurements import COLUMNS
from ultraref.apis.inference.set_cases import SetCases
from ultraref.datasets.splits import Splits
from ultraref.errors import UserError


@pytest.fixture
def root(phantom_root, tmp_path) -> Path:
    return shutil.copytree(phantom_root, tmp_path / "set")


def table(path) -> tuple[list[str], dict[str, dict]]:
    with open(path, newline="") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames), {row["name"]: row for row in reader}


def test_the_table_of_predictions_has_the_columns_of_the_set(joint, root, tmp_path):
    model = UltraRefInferencer(*joint, "cpu")
    predict_files(model, root / "test" / "images", tmp_path / "out", show_progress=False)
    with open(root / "cases.csv", newline="") as file:
        cases = {row["name"]: row for row in csv.DictReader(file) if row["split"] == "test"}
    columns, rows = table(tmp_path / "out" / "predictions.csv")
    assert rows.keys() == cases.keys()
    for name, row in rows.items():
        assert row["area_px"]
        for column, text in cases[name].items():
            if column != "name":
                assert row.get(f"case_{column}", "") == text
    assert tuple(columns[: len(COLUMNS)]) == COLUMNS
    assert {"case_path", "case_split", "case_class", "case_lesion_area"} <= set(columns)
    # A second call that predicts nothing writes the same, and so does one from Python.
    text = (tmp_path / "out" / "predictions.csv").read_text()
    assert predict_files(model, root / "test" / "images", tmp_path / "out", show_progress=False).written == 0
    assert (tmp_path / "out" / "predictions.csv").read_text() == text
    model(root / "test" / "images", out_dir=tmp_path / "direct")
    assert table(tmp_path / "direct" / "predictions.csv")[0] == columns


def test_images_of_no_set_and_of_one_without_cases_have_no_further_column(joint, root, tmp_path):
    model = UltraRefInferencer(*joint, "cpu")
    shutil.copytree(root / "test" / "images", tmp_path / "plain" / "test" / "images")
    splits = Splits.read(root)
    (root / "splits.json").write_text(Splits(**{**vars(splits), "cases": None}).to_json())
    (root / "cases.csv").unlink()
    for number, images in enumerate((tmp_path / "plain" / "test" / "images", root / "test" / "images")):
        predict_files(model, images, tmp_path / str(number), show_progress=False)
        assert tuple(table(tmp_path / str(number) / "predictions.csv")[0]) == COLUMNS


def test_only_the_images_of_a_set_are_looked_up(root, tmp_path, monkeypatch):
    splits, cases = Splits.read(root), SetCases()
    name = splits.select("test")[0]
    image = root / "test" / "images" / f"{name}.png"
    assert cases.of(image)["case_path"] == splits.cases.rows[name]["path"]
    # By a path from inside the set, and through a link to it.
    monkeypatch.chdir(root / "test" / "images")
    (tmp_path / "link").symlink_to(root / "test" / "images")
    assert cases.of(f"{name}.png") == cases.of(tmp_path / "link" / f"{name}.png") == cases.of(image)
    for other in (
        root / "train" / "images" / f"{name}.png",
        root / "test" / "masks" / f"{name}.png",
        root / "test" / "images" / f"{name}.jpg",
        root / "test" / "images" / "stranger.png",
        "",
    ):
        assert cases.of(other) == {}


def test_a_set_that_was_changed_by_hand_is_refused_before_the_work(joint, root, tmp_path):
    content = json.loads((root / "splits.json").read_text())
    content["seed"] += 1
    (root / "splits.json").write_text(json.dumps(content))
    model = UltraRefInferencer(*joint, "cpu")
    with pytest.raises(UserError, match="was changed after it was written"):
        predict_files(model, root / "test" / "images", tmp_path / "out", show_progress=False)
    assert not (tmp_path / "out" / "masks").exists()
