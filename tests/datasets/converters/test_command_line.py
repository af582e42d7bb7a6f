"""What a user types and reads."""

import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest

from ultraref.cli.main import main
from ultraref.datasets.splits import Splits


def test_converts_and_reports(raw_phantoms, tmp_path, capsys):
    assert main(["convert", "busi", str(raw_phantoms), str(tmp_path / "dst"), "--seed", "3", "--ungrouped"]) == 0
    out = capsys.readouterr().out
    assert "30 images found, 27 kept, 3 without a lesion dropped" in out
    splits = Splits.read(tmp_path / "dst")
    assert (splits.dataset, splits.seed, splits.grouped) == ("busi", 3, False)
    assert splits.hash[:16] in out


def test_an_error_is_one_line_without_a_traceback(tmp_path, capsys):
    assert main(["convert", "busi", str(tmp_path / "nowhere"), str(tmp_path / "dst")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "nowhere" in error
    assert error.count("\n") == 1


TOOLS = Path(__file__).parents[3] / "tools" / "dataset_converters"


def run_tool(monkeypatch, name, *arguments):
    """Runs a script as `python tools/dataset_converters/NAME.py ARGUMENTS` would."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(TOOLS / f"{name}.py"), run_name="__main__")
    assert end.value.code == 0


@pytest.mark.parametrize(
    ("name", "images", "masks", "options", "test"),
    [
        ("bus", "original", "GT", (), 2),
        ("udiat", "original", "GT", (), 10),
        ("bus_uc", "All/images", "All/masks", (), 2),
        ("bus_uclm", "images", "masks", (), 2),
        ("folder", "images", "masks", ("--images", "images/{name}.png", "--test-percent", "0", "--name", "mine"), 0),
    ],
)
def test_every_script(monkeypatch, archive, tmp_path, capsys, name, images, masks, options, test):
    for number in range(10):
        archive.image(f"{images}/{number}a_1.png")
        archive.mask(f"{masks}/{number}a_1.png", colour=(255, 0, 0))
    run_tool(monkeypatch, name, archive.root, tmp_path / "dst", *options)
    splits = Splits.read(tmp_path / "dst")
    assert splits.dataset == ("mine" if name == "folder" else name)
    assert len(splits.select("test")) == test
    assert "10 images found, 10 kept" in capsys.readouterr().out


def test_busbra_takes_official_folds(monkeypatch, archive, tmp_path):
    for case in range(1, 6):
        archive.image(f"Images/bus_000{case}-l.png")
        archive.mask(f"Masks/mask_000{case}-l.png")
    ids = [f"bus_000{case}-l" for case in range(1, 6)]
    archive.text("bus_data.csv", "ID,Case,Pathology\n" + "".join(f"{i},{i},benign\n" for i in ids))
    archive.text("5-fold-cv.csv", "ID,kFold\n" + "".join(f"{i},{n}\n" for n, i in enumerate(ids, start=1)))
    run_tool(monkeypatch, "busbra", archive.root, tmp_path / "dst", "--official-folds", "5")
    assert [entry.fold for entry in Splits.read(tmp_path / "dst").images.values()] == [0, 1, 2, 3, 4]


def test_a_dry_run_shows_pairs_and_writes_nothing(monkeypatch, archive, tmp_path, capsys):
    for number in range(7):
        archive.image(f"anna/{number}.png")
        archive.mask(f"anna/{number}_seg.png")
    archive.image("bert/9.png")
    archive.mask("bert/8_seg.png")
    templates = ("--images", "{patient}/{frame}.png", "--masks", "{patient}/{frame}_seg.png")
    run_tool(monkeypatch, "folder", archive.root, tmp_path / "dst", *templates, "--dry-run")
    out = capsys.readouterr().out
    assert "7 images with masks; the first:" in out
    assert out.count("    masks: ") == 5
    assert f"  anna_0000: {archive.root}/anna/0.png\n" in out
    assert "patient anna, frame 0" in out
    assert "left out: 2\n" in out
    assert "bert/9.png: an image without a mask bert/9_seg.png (nearest: bert/8_seg.png)" in out
    assert not (tmp_path / "dst").exists()


def test_a_table_with_a_split_becomes_a_set_of_its_name(monkeypatch, archive, tmp_path, capsys):
    rows = ["image,mask,patient,split"]
    for number in range(20):
        archive.image(f"{number}.png")
        archive.mask(f"m{number}.png")
        rows.append(
            f"{number}.png,m{number}.png,p{number},{'train' if number < 12 else 'valid' if number < 15 else 'test'}"
        )
    archive.text("cases.csv", "\n".join(rows))
    run_tool(monkeypatch, "table", archive.root / "cases.csv", tmp_path / "my_set")
    splits = Splits.read(tmp_path / "my_set")
    assert splits.dataset == "my_set"
    assert splits.select("test") == [f"{number:04d}" for number in range(15, 20)]
    assert splits.select("val", 0) == [f"{number:04d}" for number in range(12, 15)]
    assert [len(splits.select("val", fold)) for fold in range(5)] == [3, 3, 3, 3, 3]
    assert "official parts, train dealt to folds by patient" in capsys.readouterr().out


def test_to_coco_and_back(monkeypatch, phantom_root, tmp_path):
    run_tool(monkeypatch, "to_coco", phantom_root, tmp_path / "out" / "set.json")
    run_tool(monkeypatch, "coco", phantom_root, tmp_path / "dst", "--annotations", tmp_path / "out" / "set.json")
    assert Splits.read(tmp_path / "dst").images.keys() == Splits.read(phantom_root).images.keys()


def test_an_option_skips_defects(raw_phantoms, tmp_path, capsys):
    raw = tmp_path / "raw"
    shutil.copytree(raw_phantoms, raw)
    (raw / "benign" / "benign (2).png").write_bytes(b"broken")
    assert main(["convert", "busi", str(raw), str(tmp_path / "dst")]) == 2
    assert re.search(r"(?s)1 defects.*benign \(2\)\.png.*", capsys.readouterr().err)
    assert main(["convert", "busi", str(raw), str(tmp_path / "dst"), "--skip-bad", "--keep-normals"]) == 1
    assert "1 defects skipped" in capsys.readouterr().out
    assert len(Splits.read(tmp_path / "dst").select("all", normals=True)) == 3


def test_a_given_split_and_verdicts(monkeypatch, archive, tmp_path, capsys):
    for number in range(6):
        archive.image(f"images/i{number}.png")
        archive.mask(f"masks/i{number}.png")
    archive.text("split.csv", "image,part\n" + "".join(f"i{n}.png,{'test' if n > 3 else 'train'}\n" for n in range(6)))
    archive.text("pairs.csv", "first,second,verdict\ni0000,i0001,accepted\n")
    own = ("--given-splits", archive.root / "split.csv", "--pairs", archive.root / "pairs.csv")
    run_tool(monkeypatch, "folder", archive.root, tmp_path / "dst", *own)
    splits = Splits.read(tmp_path / "dst")
    assert splits.select("test") == ["i0004", "i0005"]
    assert splits.images["i0001"].group == "i0000"
    for option in (["--ungrouped"], ["--test-percent", "30"]):
        flags = [str(flag) for flag in (*own, *option)]
        assert main(["convert", "folder", str(archive.root), str(tmp_path / "other"), *flags]) == 2
        assert f"--given-splits decides the split, so that {option[0]} would do nothing" in capsys.readouterr().err


def test_a_set_for_training_alone_says_how_to_report_it(raw_phantoms, tmp_path, capsys):
    main(["convert", "busi", str(raw_phantoms), str(tmp_path / "dst"), "--test-percent", "0"])
    assert "no test part: report by cross-validation" in capsys.readouterr().out
