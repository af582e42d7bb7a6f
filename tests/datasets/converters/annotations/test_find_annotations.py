"""What formats have in common: which it is, where images are, names, and the whole way to a converted set."""

import numpy as np
import pytest

from ultraref.cli.main import main
from ultraref.datasets.converters import find_annotations
from ultraref.datasets.image_io import read_mask
from ultraref.datasets.splits import Splits
from ultraref.errors import MissingFileError, UserError


def labelme(image, points, label="nodule"):
    shape = {"label": label, "points": points, "shape_type": "polygon"}
    return {"shapes": [shape], "imagePath": image, "imageHeight": 48, "imageWidth": 60}


def test_a_format_that_is_not_clear(archive, write_json, square_points):
    archive.image("a.png")
    with pytest.raises(UserError, match=r"of no format that is known; say which with --format labelme\|via"):
        find_annotations(archive.root)
    write_json("coco.json", {"images": [], "annotations": [], "categories": []})
    with pytest.raises(
        UserError, match=r"coco\.json is a COCO file; convert it with python tools/dataset_converters/coco\.py"
    ):
        find_annotations(archive.root)
    write_json("a.json", labelme("a.png", square_points()))
    archive.text("labels/a.txt", "")
    with pytest.raises(
        UserError, match=r"several formats: labelme \(a\.json\), coco \(coco\.json\), yolo \(labels/a\.txt\)"
    ):
        find_annotations(archive.root)
    assert len(find_annotations(archive.root, "labelme").samples) == 1
    with pytest.raises(MissingFileError, match=r"holds no \.xml file"):
        find_annotations(archive.root, "cvat")
    with pytest.raises(MissingFileError, match="no such folder"):
        find_annotations(archive.root / "nowhere")
    with pytest.raises(UserError, match="'voc' is not known"):
        find_annotations(archive.root, "voc")


def test_images_are_found_by_path_and_by_name_and_never_outside(archive, write_json, square_points, tmp_path):
    archive.image("p1/img/1.png")
    archive.image("p2/img/1.png")
    archive.image("elsewhere/only.png")
    archive.root.joinpath("p1/img/1.png").rename(tmp_path / "secret.png")
    archive.image("p1/img/1.png")
    write_json("p1/ann/1.json", labelme("../img/1.png", square_points()))
    write_json("p2/ann/1.json", labelme("..\\img\\1.png", square_points()))
    write_json("x/2.json", labelme("D:\\data\\only.PNG", square_points()))
    write_json("x/3.json", labelme("../../secret.png", square_points()))
    write_json("x/4.json", labelme(str(tmp_path / "secret.png"), square_points()))
    write_json("x/5.json", labelme("1.png", square_points()))
    found = find_annotations(archive.root)
    assert [sample.name for sample in found.samples] == ["elsewhere_only", "p0001_img_0001", "p0002_img_0001"]
    assert [message.split(": ")[0].rsplit("/", 1)[-1] for message in found.missing] == ["3.json", "4.json", "5.json"]
    assert "its image ../../secret.png is not below" in found.missing[0]


def test_two_files_about_one_image_are_a_defect(archive, write_json, square_points):
    archive.image("a.png")
    write_json("a.json", labelme("a.png", square_points()))
    write_json("b.json", labelme("a.png", square_points()))
    (defect,) = find_annotations(archive.root).bad
    assert "b.json: its image a.png has annotations in" in defect


def test_a_split_of_some_images_is_none(archive, write_json, square_points):
    for folder in ("train", "more"):
        archive.image(f"{folder}/{folder}.png")
        write_json(f"{folder}/{folder}.json", labelme(f"{folder}.png", square_points()))
    assert [sample.fold for sample in find_annotations(archive.root).samples] == [None, None]


def test_from_the_command_line_to_exact_masks(archive, write_json, square_points, draw_square, tmp_path, capsys):
    for n in range(10):
        archive.image(f"{n}.png")
        write_json(f"{n}.json", labelme(f"{n}.png", square_points(size=5 + n), "nodule" if n % 2 else "cyst"))
    arguments = ["convert", "annotations", str(archive.root), str(tmp_path / "neck")]
    assert main(arguments) == 2
    assert "holds 2 classes: cyst (5), nodule (5)" in capsys.readouterr().err
    assert main([*arguments, "--classes", "nodule,cyst", "--dry-run"]) == 0
    assert "masks: drawn from annotations" in capsys.readouterr().out
    assert main([*arguments, "--classes", "nodule,cyst"]) == 0
    splits = Splits.read(tmp_path / "neck")
    assert splits.dataset == "neck"
    for name, entry in splits.images.items():
        expected = draw_square(size=5 + int(name))
        np.testing.assert_array_equal(read_mask(tmp_path / "neck" / entry.split / "masks" / f"{name}.png"), expected)
        assert entry.category == ("nodule" if int(name) % 2 else "cyst")
