"""A set converted with the folds of an nnU-Net that was trained before."""

import json
import shutil

import numpy as np
import pytest

from ultraref.cli.main import main
from ultraref.datasets import Splits
from ultraref.datasets.converters import convert, find_busi
from ultraref.datasets.prediction_import import (
    NameMatcher,
    NnunetSplits,
    adopt_folds,
    find_nnunet,
    import_predictions,
)
from ultraref.testing.nnunet_tree import write_nnunet_tree


@pytest.fixture
def found(raw_phantoms):
    return find_busi(raw_phantoms)


def nnunet(folds, tmp_path):
    """The splits of 3 folds, given as the cases that each holds out."""
    everything = [case for held_out in folds for case in held_out]
    content = [{"train": [case for case in everything if case not in own], "val": own} for own in folds]
    (tmp_path / "splits_final.json").write_text(json.dumps(content))
    return NnunetSplits.read(tmp_path / "splits_final.json")


def test_folds_are_taken_over_and_what_nnunet_lacks_is_for_testing(found, tmp_path):
    names = [sample.name for sample in found.samples if not sample.name.startswith("normal")]
    np.random.default_rng(0).shuffle(names)
    held_out = [names[:4], names[4:13], names[13:20]]
    # In the spelling of the published files: benign_0007 is "Benign (7)".
    spelled = [[f"{name[:-5].capitalize()} ({int(name[-4:])})" for name in own] for own in held_out]
    convert(adopt_folds(found, nnunet(spelled, tmp_path)), tmp_path / "data", "phantoms")
    splits = Splits.read(tmp_path / "data")
    assert (splits.num_folds, splits.grouping) == (3, "official 3 folds")
    assert splits.select("test") == sorted(names[20:])
    for fold, own in enumerate(held_out):
        assert splits.select("val", fold) == sorted(own)
    tree = write_nnunet_tree(tmp_path, tmp_path / "data")
    source = find_nnunet(tree.results, NnunetSplits.read(tree.splits), splits, NameMatcher(splits.images))
    report = import_predictions(source, tmp_path / "data", tmp_path / "store", 16)
    assert [len(report.dice[fold, "val"]) for fold in range(3)] == [4, 9, 7]


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([["benign_1"], ["stranger"]], r"1 cases are no images with a mask here.*stranger"),
        ([["benign_1"], ["Benign (1)"]], r"is image benign_0001, as is another case"),
    ],
)
def test_folds_that_do_not_fit_are_refused(folds, message, found, tmp_path):
    with pytest.raises(ValueError, match=message):
        adopt_folds(found, nnunet(folds, tmp_path))


def test_a_case_that_is_never_held_out_is_refused(found, tmp_path):
    (tmp_path / "splits_final.json").write_text('[{"train": ["benign_1"], "val": ["benign_2"]}]')
    with pytest.raises(ValueError, match=r"case benign_1 is held out in no fold"):
        adopt_folds(found, NnunetSplits.read(tmp_path / "splits_final.json"))


def test_nnunets_own_folders_are_converted_with_its_folds(phantom_root, tmp_path, capsys):
    names = {
        "train": Splits.read(phantom_root).select("train")[:6],
        "test": Splits.read(phantom_root).select("test")[:1],
    }
    for part, folder in (("train", "Tr"), ("test", "Ts")):
        for kind, end in (("images", "_0000"), ("labels", "")):
            (tmp_path / f"raw/{kind}{folder}").mkdir(parents=True)
            for name in names[part]:
                source = phantom_root / part / kind.replace("labels", "masks") / f"{name}.png"
                shutil.copy(source, tmp_path / f"raw/{kind}{folder}/{name}{end}.png")
    folds = nnunet([names["train"][:3], names["train"][3:]], tmp_path).path
    templates = ["--images", "images*/{case}_0000.png", "--masks", "labels*/{case}.png"]
    arguments = [str(tmp_path / "raw"), str(tmp_path / "data"), *templates, "--folds", str(folds)]
    assert main(["convert", "folder", *arguments]) == 0, capsys.readouterr().err
    splits = Splits.read(tmp_path / "data")
    assert splits.select("val", 1) == names["train"][3:]
    assert splits.select("test") == names["test"]
