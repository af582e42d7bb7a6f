"""COCO files against pycocotools, and the list of what is wrong with them."""

import contextlib
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from ultraref.datasets import CocoLesionDataset, LesionDataset
from ultraref.datasets.converters import to_coco
from ultraref.datasets.converters.to_coco import polygons
from ultraref.datasets.image_io import read_mask
from ultraref.datasets.transforms import LoadCocoMask, LoadImage, LoadLesionMask
from ultraref.errors import UserError

HEIGHT, WIDTH = 40, 60
RNG = np.random.default_rng(0)


def runs(mask: np.ndarray) -> dict:
    """Uncompressed run-length code, column by column, beginning with background."""
    flat = np.concatenate([[0], mask.T.ravel(), [1 - mask[-1, -1]]])
    edges = np.flatnonzero(np.diff(flat))
    return {"size": list(mask.shape), "counts": np.diff(np.concatenate([[0], edges])).tolist()}


def blob(x, y, width, height) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[y : y + height, x : x + width] = 1
    return mask


def compressed(mask: np.ndarray) -> dict:
    code = coco_mask.encode(np.asfortranarray(mask))
    return {"size": code["size"], "counts": code["counts"].decode()}


POLYGONS = [[5, 5, 25.5, 7, 20, 22.3], [30, 5, 40, 5, 40, 15, 30, 15]]
# One image of each kind of annotation.
IMAGES = {
    "polygons": [{"segmentation": POLYGONS}],
    "two": [{"segmentation": POLYGONS[:1]}, {"segmentation": POLYGONS[1:], "category_id": 2}],
    "runs": [{"segmentation": runs(blob(3, 4, 20, 10))}],
    "crowd": [{"segmentation": runs(blob(8, 8, 30, 20)), "iscrowd": 1}, {"segmentation": POLYGONS[1:]}],
    "compressed": [{"segmentation": compressed(blob(0, 0, 9, 40))}],
    "outside": [{"segmentation": [[-10, -10, 20, -10, 20, 20, -10, 20]]}],
    "none": [],
}


@pytest.fixture
def write(tmp_path):
    """Writes images and a COCO file; returns the file's path."""

    def write(images=IMAGES, suffix="png", make_id=lambda number: number, **records):
        content = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]}
        content["info"] = {"lesion_classes": ["a", "b"]}
        for number, (name, annotations) in enumerate(images.items(), start=1):
            Image.fromarray(RNG.integers(0, 255, (HEIGHT, WIDTH), dtype=np.uint8)).save(tmp_path / f"{name}.{suffix}")
            record = {"id": make_id(number), "file_name": f"{name}.{suffix}", "height": HEIGHT, "width": WIDTH}
            content["images"].append({**record, **records})
            for annotation in annotations:
                own = {
                    "id": len(content["annotations"]) + 1,
                    "image_id": make_id(number),
                    "category_id": 1,
                    "iscrowd": 0,
                }
                content["annotations"].append({**own, **annotation})
        path = tmp_path / "coco.json"
        path.write_text(json.dumps(content))
        return str(path)

    return write


def dataset(path, **options) -> CocoLesionDataset:
    return CocoLesionDataset(path, pipeline=[LoadImage(), LoadCocoMask()], **options)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_masks_are_those_of_pycocotools(write, suffix):
    path = write(suffix=suffix)
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO(path)
    ours = dataset(path)
    assert ours.names == sorted(IMAGES)
    for index, name in enumerate(ours.names):
        image_id = list(IMAGES).index(name) + 1
        expected = np.zeros((HEIGHT, WIDTH), np.uint8)
        for annotation in reference.loadAnns(reference.getAnnIds(imgIds=image_id)):
            expected |= reference.annToMask(annotation)
        sample = ours[index]
        np.testing.assert_array_equal(sample["gt_seg_map"], expected, err_msg=name)
        assert sample["img"].shape == sample["ori_shape"] == (HEIGHT, WIDTH)


@pytest.mark.parametrize("make_id", [str, lambda number: f"case-{number}"])
def test_ids_may_be_strings(write, make_id):
    content = json.loads(Path(write(make_id=make_id)).read_text())
    for annotation in content["annotations"]:
        # A file that mixes 7 and "7" means the same image.
        if annotation["image_id"].isdigit():
            annotation["image_id"] = int(annotation["image_id"])
    path = write()
    by_number = [sample["gt_seg_map"].sum() for sample in dataset(path)]
    Path(path).write_text(json.dumps(content))
    assert [sample["gt_seg_map"].sum() for sample in dataset(path)] == by_number


def test_one_instance_each(write):
    samples = list(dataset(write(), merge="instance"))
    # The crowd gives no instance, but its image has an object beside it; "none" stays as an empty sample.
    expected = ["compressed_0", "crowd_0", "none", "outside_0", "polygons_0", "runs_0", "two_0", "two_1"]
    assert [sample["name"] for sample in samples] == expected
    first, second = samples[-2:]
    whole = next(sample for sample in dataset(write()) if sample["name"] == "two")
    np.testing.assert_array_equal(first["gt_seg_map"] | second["gt_seg_map"], whole["gt_seg_map"])
    assert not (first["gt_seg_map"] & second["gt_seg_map"]).any()


def test_images_without_objects_are_samples_by_option(write):
    assert not dataset(write())[sorted(IMAGES).index("none")]["gt_seg_map"].any()
    assert "none" not in dataset(write(), keep_empty=False).names


def test_several_classes_are_one_lesion_only_where_someone_says_so(write):
    path = write()
    two = next(sample for sample in dataset(path, classes=["b"]) if sample["name"] == "two")
    assert two["gt_seg_map"].sum() == 100
    with pytest.raises(
        ValueError, match=r"has no class 'c' \(CocoLesionDataset: classes=\[...\]\).*it holds a \(7\), b \(1\)"
    ):
        dataset(path, classes=["c"])
    content = json.loads(Path(path).read_text())
    del content["info"]
    Path(path).write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"holds 2 classes: a \(7\), b \(1\); name those.*classes=\[...\]"):
        dataset(path)
    both = dataset(path, classes=["a", "b"])
    assert len(both) == len(IMAGES)
    assert both[both.names.index("two")]["gt_seg_map"].sum() > 100


PROBLEMS = {
    "box": ([{"segmentation": POLYGONS[1:], "bbox": [30, 5, 10, 20]}], r"bbox \[30, 5, 10, 20\] disagrees", True),
    "stub": ([{"segmentation": [*POLYGONS, [1, 1, 2, 2]]}], "polygon 2 has 4 numbers", False),
    "flat": ([{"segmentation": [*POLYGONS, [1, 1, 5, 1, 9, 1]]}], "polygon 2 covers no pixel", False),
    "odd": ([{"segmentation": [*POLYGONS, [1, 1, 5, 1, 9, 1, 7]]}], "polygon 2 has 7 numbers", False),
    "bare": ([{"segmentation": []}], "an object without an outline", True),
    "size": (
        [{"segmentation": runs(np.ones((20, 20), np.uint8))}],
        r"of size \[20, 20\], the image of \[40, 60\]",
        True,
    ),
    "empty": ([{"segmentation": compressed(blob(0, 0, 0, 0))}], "its mask covers no pixel", True),
}


@pytest.mark.parametrize("kind", PROBLEMS)
def test_problems_are_refused_or_skipped(write, kind):
    annotations, message, drops_image = PROBLEMS[kind]
    path = write({"good": [{"segmentation": POLYGONS}], kind: annotations})
    with pytest.raises(ValueError, match=rf"(?s)1 problems.*{kind}.png, annotation 2.*{message}.*problems='skip'"):
        dataset(path)
    skipped = dataset(path, problems="skip")
    assert skipped.names == (["good"] if drops_image else sorted(["good", kind]))
    assert [problem.image for problem in skipped.problems] == [kind]
    if not drops_image:
        masks = [sample["gt_seg_map"] for sample in skipped]
        np.testing.assert_array_equal(masks[0], masks[1])


def test_missing_and_damaged_images_are_all_listed(write, tmp_path):
    path = write()
    (tmp_path / "runs.png").unlink()
    (tmp_path / "two.png").write_bytes(b"no image")
    Image.new("L", (5, 5)).save(tmp_path / "none.png")
    with pytest.raises(ValueError, match="3 problems") as caught:
        dataset(path)
    for message in ("runs.png: there is no file", "two.png: can't be read", "none.png: is 5 x 5 (height x width)"):
        assert message in str(caught.value)
    assert dataset(path, problems="skip").names == ["compressed", "crowd", "outside", "polygons"]


def test_a_box_may_be_a_rounding_off(write):
    box = [30.6, 5.4, 10.2, 9.1]
    assert dataset(write({"a": [{"segmentation": POLYGONS[1:], "bbox": box}]})).problems == []


def test_files_that_are_no_coco_are_named(write, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no.json: no such file.*to_coco.py"):
        dataset(str(tmp_path / "no.json"))
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ValueError, match="it holds a list"):
        dataset(str(tmp_path / "list.json"))
    path = write()
    content = json.loads(Path(path).read_text())
    content["images"].append({**content["images"][0], "id": 99})
    Path(path).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"(?s)2 problems.*2 images have the name 'polygons'"):
        dataset(path)
    assert "polygons" not in dataset(path, problems="skip").names


def test_random_numbers_depend_on_epoch_and_index_alone(write):
    path = write()

    def draws(keys):
        return [dataset(path, seed=3)[key]["rng"].random() for key in keys]

    keys = [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert draws(keys) == draws(keys)
    assert len(set(draws(keys))) == 4
    expected = [np.random.default_rng([3, *key]).random() for key in keys]
    assert draws(keys) == expected


def test_a_converted_set_comes_back_from_coco(phantom_root, tmp_path):
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(to_coco(phantom_root)))
    for split, fold in (("train", 0), ("val", 0), ("test", None)):
        options = {"data_root": str(phantom_root), "split": split, "fold": fold}
        ours = dataset(str(path), image_dir=str(phantom_root), **options)
        original = LesionDataset(pipeline=[LoadImage(), LoadLesionMask()], **options)
        assert ours.names == original.names
        assert ours.image_hashes == original.image_hashes
        assert ours.metainfo.items() <= original.metainfo.items()
        for mine, theirs in zip(ours, original):
            both, either = mine["gt_seg_map"] & theirs["gt_seg_map"], mine["gt_seg_map"] | theirs["gt_seg_map"]
            assert both.sum() / either.sum() > 0.99
            assert mine["fold"] == theirs["fold"]


def test_images_of_the_split_that_lack_annotations_are_named(phantom_root, tmp_path):
    content = to_coco(phantom_root)
    lost = next(image for image in content["images"] if image["split"] == "test")
    content["images"].remove(lost)
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] != lost["id"]]
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(content))
    number = sum(image["split"] == "test" for image in content["images"]) + 1
    with pytest.raises(
        ValueError, match=f"lacks 1 of the {number} images of split 'test'.*{Path(lost['file_name']).stem}"
    ):
        dataset(str(path), image_dir=str(phantom_root), data_root=str(phantom_root), split="test")


def test_hashes_are_those_of_the_files(write, tmp_path):
    hashes = dataset(write()).image_hashes
    assert hashes["runs"] == hashlib.sha256((tmp_path / "runs.png").read_bytes()).hexdigest()
    assert len(hashes) == len(IMAGES)


@pytest.mark.realdata
def test_published_busi_masks_survive_coco(busi_root, tmp_path):
    content = {"images": [], "annotations": []}
    masks = {}
    for path in sorted((busi_root / "malignant").glob("*_mask.png"))[:20]:
        image, mask = path.with_name(path.name.replace("_mask", "")), read_mask(path)
        masks[image.stem] = mask
        record = {"id": image.stem, "file_name": image.name, "height": mask.shape[0], "width": mask.shape[1]}
        content["images"].append(record)
        content["annotations"].append({"id": image.stem, "image_id": image.stem, "segmentation": polygons(mask)})
    path = tmp_path / "busi.json"
    path.write_text(json.dumps(content))
    for sample in dataset(str(path), image_dir=str(busi_root / "malignant")):
        mask = masks[sample["name"]]
        assert (sample["gt_seg_map"] & mask).sum() / (sample["gt_seg_map"] | mask).sum() > 0.99
