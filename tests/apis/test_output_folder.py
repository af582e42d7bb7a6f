"""Results don't go where they would write over what they are judged by."""

from pathlib import Path

import pytest
from mmengine.config import Config

from ultraref.apis.output_folder import check_output_folder, check_writable, check_writable_file
from ultraref.errors import UserError


@pytest.fixture
def places(tmp_path):
    """A data root, a prediction store, and the work dir of a training."""
    for file in ("data/splits.json", "store/fold2/val/manifest.json", "run/last.pth", "other/images/a.png"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "what"),
    [
        ("data", "data, a converted data set"),
        ("data/test/masks", "data, a converted data set"),
        ("run", "run, the work dir of a training"),
        ("run/overlays", "run, the work dir of a training"),
        ("store", "store, a store of coarse predictions"),
        ("store/fold2/val", "store, a store of coarse predictions"),
        ("store/fold7/new", "store, a store of coarse predictions"),
        ("other/../data/test", "data, a converted data set"),
    ],
)
def test_out_over_the_ground_truth_is_refused(places, folder, what):
    before = sorted(places.rglob("*"))
    with pytest.raises(UserError, match=rf"--out .* is in .*{what}: results could write over it"):
        check_output_folder(places / folder, "--out")
    assert sorted(places.rglob("*")) == before


def test_through_a_link_as_well(places):
    (places / "link").symlink_to(places / "data" / "test")
    with pytest.raises(UserError, match="a converted data set"):
        check_output_folder(places / "link" / "masks", "--show-dir")


def test_what_the_config_reads_is_refused_whatever_it_is(places):
    part = dict(type="ConcatLesionDataset", datasets=[dict(image_dir=str(places / "other"))])
    cfg = Config(dict(val_dataloader=dict(dataset=part)))
    with pytest.raises(UserError, match="other, which this config reads"):
        check_output_folder(places / "other" / "images", "--out", cfg)
    beside = Config(dict(test_dataloader=dict(dataset=dict(ann_file=str(places / "other/images/annotations.json")))))
    with pytest.raises(UserError, match="images, which this config reads"):
        check_output_folder(places / "other" / "images" / "masks", "--out", beside)
    check_output_folder(places / "other", "--out", beside)


def test_other_folders_are_made_and_left_empty(places):
    check_output_folder(places / "new" / "masks", "--out", Config(dict()))
    assert list((places / "new" / "masks").iterdir()) == []
    check_output_folder(places / "store", "--out", is_store=True)


def test_a_file_is_refused_before_the_work(places):
    for folder, message in (
        ("data/splits.json", "is a file; it takes a folder"),
        ("run/last.pth/x", "can't be written"),
    ):
        with pytest.raises(UserError, match=rf"--work-dir .*{message}"):
            check_writable(places / Path(folder), "--work-dir")


def test_a_file_for_results_is_tried_before_the_work(places):
    with pytest.raises(UserError, match=r"--json .*other is a folder; it takes a file"):
        check_writable_file(places / "other", "--json")
    with pytest.raises(UserError, match=r"--json .*: the folder .*a\.png is a file; it takes a folder"):
        check_writable_file(places / "other/images/a.png/x.json", "--json")
    check_writable_file(places / "new/x.json", "--json")
    check_writable_file(places / "other/images/a.png", "--json")
    assert list((places / "new").iterdir()) == []
    assert (places / "other/images/a.png").is_file()
