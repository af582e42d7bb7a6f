"""Splits that someone else decided: every form is read, and nothing is guessed."""

import json
from pathlib import Path

import pytest

from ultraref.datasets.converters.given_splits import GivenSplits
from ultraref.datasets.converters.raw_sample import RawSample
from ultraref.errors import UserError

SAMPLES = {
    name: RawSample(name, Path(f"/raw/{patient}/img/{file}.png"), patient=patient)
    for name, patient, file in (
        ("a_0001", "p1", "a (1)"),
        ("a_0002", "p1", "a (2)"),
        ("b_0001", "p2", "b1"),
        ("c_0001", "p3", "c1"),
    )
}
# What is for validation is what the first fold holds out.
EXPECTED = {"a_0001": "train", "a_0002": "train", "b_0001": 0, "c_0001": "test"}


def write(path, text):
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "content",
    [
        "name,part\na_0001,train\na_0002,Training\nb_0001,valid\nc_0001,TEST\n",
        "Image,Split,other\na (1).png,train,x\na (2).png,train,x\nb1.png,val,\nc1.png,test,\n",
        "filename,subset\np1/img/a (1).png,train\np1/img/a (2).png,train\nb1,val\np3/img/c1,test\n",
        "patient,split\np1,train\np2,val\np3,test\n",
        {"train": ["a (1)", "a_0002"], "val": ["b1.png"], "test": ["c_0001"]},
        {"train": ["p1"], "validation": ["p2"], "test": ["p3"]},
        {"a_0001": "train", "a_0002": "train", "b_0001": "val", "c_0001": "test"},
    ],
)
def test_names_files_paths_and_patients(tmp_path, content):
    assert GivenSplits.read(write(tmp_path / "split", content)).apply(SAMPLES) == EXPECTED


def test_normals_may_be_listed_and_need_not(tmp_path):
    given = GivenSplits.read(write(tmp_path / "split.csv", "name,part\na_0001,train\nn_0001,test\n"))
    lesions = {"a_0001": SAMPLES["a_0001"]}
    normals = {name: RawSample(name, Path(f"/raw/{name}.png")) for name in ("n_0001", "n_0002")}
    assert given.apply(lesions, normals) == {"a_0001": "train", "n_0001": "test"}
    with pytest.raises(UserError, match="1 listed are not in the set: n_0001"):
        given.apply(lesions)


@pytest.mark.parametrize(
    "content",
    [
        "name,fold\na_0001,1\na_0002,2\nb_0001,2\nc_0001,3\n",
        "name,fold\na_0001,fold0\na_0002,fold1\nb_0001,fold1\nc_0001,fold2\n",
        {"folds": [["a_0001"], ["a_0002", "b_0001"], ["c_0001"]]},
        {"0": ["a_0001"], "1": ["a_0002", "b_0001"], "2": ["c_0001"]},
    ],
)
def test_folds_from_0_or_1(tmp_path, content):
    parts = GivenSplits.read(write(tmp_path / "split", content)).apply(SAMPLES)
    assert parts == {"a_0001": 0, "a_0002": 1, "b_0001": 1, "c_0001": 2}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,part\na_0001,train\n", r"3 images of the set are not listed: a_0002, b_0001, c_0001"),
        (
            "name,part\na_0001,train\na_0002,train\nb_0001,val\nc_0001,test\nz9,test\n",
            r"doesn't fit the 4 images with a lesion: 1 listed are not in the set: z9",
        ),
        ("patient,part\np1,train\np2,test\n", "1 images of the set are not listed: c_0001"),
        ("name,part\na_0001,train\na_0001,test\n", ", line 3: a_0001 is in train and in test"),
        ("name,part\na_0001,holdout\n", r"line 2: the part 'holdout' is not known"),
        ("name,part\na_0001,\n", ", line 2: is not whole"),
        ("image_id,part\na,train\n", "its columns are image_id, part"),
        ("name,fold\na_0001,0\na_0002,2\n", r"its folds are 0, 2"),
        ("name,fold\na_0001,0\na_0002,train\n", "has both folds"),
        ("{not json", "is no whole JSON of a split"),
        ("[1, 2]", "it holds a list"),
        ("{}", "neither the part"),
        ({"train": [1]}, "are not a name and a part"),
        ("name,part\n", "names no image"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        GivenSplits.read(write(tmp_path / "split.csv", content)).apply(SAMPLES)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        GivenSplits.read(tmp_path / "nowhere.csv")
