"""How the split of a set follows from groups, verdicts and given parts."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.datasets import LesionDataset, Splits
from ultraref.datasets.converters import Found, RawSample, convert
from ultraref.datasets.converters.given_splits import GivenSplits
from ultraref.datasets.judged_pairs import JudgedPairs
from ultraref.errors import UserError
from ultraref.testing.screenshot import make_screen, make_tissue


class Source:
    """Writes images with a square lesion, and lists them as samples."""

    def __init__(self, folder):
        self.folder, self.samples = folder, []
        folder.mkdir()

    def add(self, name, image, **about):
        mask = np.zeros(image.shape, np.uint8)
        mask[40:60, 40 : 60 + len(self.samples) % 9] = 255
        paths = self.folder / f"{name}.png", self.folder / f"{name}_mask.png"
        for path, array in zip(paths, (image, mask)):
            Image.fromarray(array).save(path)
        self.samples.append(RawSample(name, paths[0], (paths[1],), **about))

    def convert(self, **options):
        report = convert(Found(self.samples), self.folder / "dst", "set", **options)
        return report, Splits.read(self.folder / "dst").images


@pytest.fixture
def source(tmp_path):
    return Source(tmp_path / "raw")


def tissue(seed):
    return make_tissue(np.random.default_rng(seed), 90, 120)


def groups_of(images):
    found = {}
    for name, entry in images.items():
        found.setdefault(entry.group, set()).add(name)
    return {frozenset(names) for names in found.values() if len(names) > 1}


def test_frames_of_one_video_are_one_group_and_equal_names_of_two_patients_are_not(source):
    for number in range(3):
        source.add(f"a{number}", tissue(number), video="loop", patient=None)
        source.add(f"b{number}", tissue(10 + number), video="1", patient="b")
        source.add(f"c{number}", tissue(20 + number), video="1", patient="c")
    _, images = source.convert()
    assert groups_of(images) == {frozenset(f"{which}{number}" for number in range(3)) for which in "abc"}
    assert "patient and video and pHash" in Splits.read(source.folder / "dst").grouping


def verdicts(path, *rows):
    path.write_text("\n".join(["first,second,verdict", *rows]) + "\n")
    return JudgedPairs.read(path)


def test_verdicts_join_and_part(source, tmp_path):
    for number in range(8):
        source.add(f"i{number}", tissue(number))
    source.add("copy", tissue(0))
    again = np.clip(tissue(1) * 0.9 + 8, 0, 255).astype(np.uint8)
    source.add("near", again)
    assert groups_of(source.convert()[1]) == {frozenset({"i0", "copy"}), frozenset({"i1", "near"})}
    judged = verdicts(tmp_path / "pairs.csv", "near,i1,rejected", "i2,i5,accepted", "i3,i4,")
    report, images = source.convert(pairs=judged)
    assert groups_of(images) == {frozenset({"i0", "copy"}), frozenset({"i2", "i5"})}
    assert report.duplicates["pairs_rejected_but_together"] == []
    # What is rejected, but connected through a third, is told.
    judged = verdicts(tmp_path / "pairs.csv", "near,i1,rejected", "i1,i2,accepted", "i2,near,accepted")
    report, _ = source.convert(pairs=judged)
    assert report.duplicates["pairs_rejected_but_together"] == [["i1", "near"]]
    assert "i1 and near were rejected as a pair" in str(report)
    with pytest.raises(UserError, match="1 images are not in set: i99"):
        source.convert(pairs=verdicts(tmp_path / "pairs.csv", "i0,i99,accepted"))


def given(path, content):
    path.write_text(json.dumps(content))
    return GivenSplits.read(path)


def test_train_val_and_test_as_given(source, tmp_path):
    for number in range(20):
        source.add(f"i{number:02d}", tissue(number))
    names = [sample.name for sample in source.samples]
    split = given(tmp_path / "split.json", {"train": names[:12], "val": names[12:16], "test": names[16:]})
    report, _ = source.convert(given_splits=split)
    root = str(source.folder / "dst")
    assert LesionDataset(root, "train", fold=0).names == names[:12]
    assert LesionDataset(root, "val", fold=0).names == names[12:16]
    assert LesionDataset(root, "test").names == names[16:]
    # The training part is dealt to the other folds, so that each of its images is held out once.
    held_out = [name for fold in range(1, 5) for name in LesionDataset(root, "val", fold=fold).names]
    assert sorted(held_out) == names[:12]
    assert report.grouped
    assert report.grouping.startswith("given parts, train dealt to folds by")


def test_given_folds_that_part_a_patient_are_ungrouped_and_near_duplicates_a_note(source, tmp_path):
    for number in range(10):
        source.add(f"i{number}", tissue(number), patient=f"p{number // 2}")
    source.add("near", np.clip(tissue(1) * 0.9 + 8, 0, 255).astype(np.uint8), patient="other")
    folds = [["i0", "i1", "i2", "i3"], ["i4", "i5", "i6", "i7", "near"], ["i8", "i9"]]
    report, images = source.convert(given_splits=given(tmp_path / "split.json", {"folds": folds}))
    assert {name: images[name].fold for name in ("i0", "near", "i9")} == {"i0": 0, "near": 1, "i9": 2}
    assert report.grouped
    assert report.grouping == "given 3 folds"
    assert "note: i1 and near show the same, and lie in two parts" in str(report)
    folds[0].remove("i3")
    folds[1].append("i3")
    report, _ = source.convert(given_splits=given(tmp_path / "split.json", {"folds": folds}))
    assert not report.grouped


def test_official_folds_and_given_ones_exclude_each_other(source, tmp_path):
    for number in range(4):
        source.add(f"i{number}", tissue(number), fold=number % 2)
    with pytest.raises(UserError, match="both decide the split"):
        source.convert(given_splits=given(tmp_path / "split.json", {"0": ["i0", "i1"], "1": ["i2", "i3"]}))


def test_a_large_group_is_on_top_of_the_report_and_not_taken(source):
    """Twelve pictures in a chain: each is near the next, and the last has little of the first."""
    for number in range(30):
        source.add(f"i{number:02d}", tissue(number))
    first, last = tissue(100).astype(np.float32), tissue(101).astype(np.float32)
    for number in range(12):
        share = number / 11
        source.add(f"chain{number:02d}", np.round((1 - share) * first + share * last).astype(np.uint8))
    report, images = source.convert()
    (large,) = report.duplicates["large_groups"]
    assert (len(large["names"]), large["accepted"]) == (12, False)
    assert large["largest_left"] <= 6
    assert max(map(len, groups_of(images))) <= 6
    assert str(report).startswith(
        "LARGE GROUP: 12 images look alike (chain00, chain01, chain02, ...), see large_groups.png; NOT taken"
    )
    sheet = cv2.imread(str(source.folder / "dst" / "large_groups.png"))
    assert sheet.shape == (178, 8 * 160, 3)
    report, images = source.convert(accept_large_groups=True)
    assert max(map(len, groups_of(images))) == 12
    assert "taken as one group, as --accept-large-groups says" in str(report)


def screenshots(source, count, make):
    """Unrelated screenshots, and copies of some: recompressed, cropped, mirrored, brighter; returns the pairs."""
    screen = make_screen(240, 320)
    tissues = [make(seed) for seed in range(count)]
    for number, picture in enumerate(tissues):
        source.add(f"i{number:03d}", screen.show(picture), category=("benign", "malignant")[number % 3 == 0])
    pairs = set()
    for number in range(20):
        origin = number * (count // 20)
        shot = screen.show(tissues[origin])
        height, width = shot.shape
        y, x = round(0.025 * height), round(0.025 * width)
        cropped = shot[y : height - y, x : width - x]
        zoomed = tissues[origin]
        dy, dx = round(0.025 * zoomed.shape[0]), round(0.025 * zoomed.shape[1])
        copy = (
            lambda s=shot: cv2.imdecode(
                cv2.imencode(".jpg", s, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_GRAYSCALE
            ),
            lambda c=cropped: c,
            lambda c=cropped, size=(width, height): cv2.resize(c, size),
            lambda z=zoomed, a=dy, b=dx: screen.show(z[a:-a, b:-b]),
            lambda s=shot: np.ascontiguousarray(s[:, ::-1]),
            lambda z=zoomed: screen.show(np.ascontiguousarray(z[:, ::-1])),
            lambda s=shot: np.clip(1.2 * s + 15.0, 0, 255).astype(np.uint8),
            lambda z=zoomed: screen.show(np.clip(0.8 * z + 10, 0, 255).astype(np.uint8)),
        )[number % 8]()
        source.add(f"z{number:03d}", copy, category="benign")
        pairs.add(frozenset({f"i{origin:03d}", f"z{number:03d}"}))
    return pairs


def check_shares(report):
    total = sum(report.parts.values())
    training = total - report.parts["test"]
    # 20 % of all are for testing, and each fold is 20 % of the rest.
    assert abs(report.parts["test"] / total - 0.2) <= 0.02
    for fold in range(5):
        assert abs(report.parts[f"fold {fold}"] / training - 0.2) <= 0.02


def test_unrelated_screenshots_are_dealt_evenly_and_hidden_copies_are_found(source):
    pairs = screenshots(source, 60, lambda seed: make_tissue(np.random.default_rng(seed), 150, 240))
    report, images = source.convert()
    assert groups_of(images) == pairs
    assert report.duplicates["large_groups"] == []
    assert [frame["size"] for frame in report.duplicates["furniture"]] == [[240, 320]]
    check_shares(report)


@pytest.mark.slow
def test_300_phantoms_in_one_screen_and_20_copies(source):
    from ultraref.testing.phantom import make_phantom

    pairs = screenshots(source, 300, lambda seed: make_phantom(np.random.default_rng(seed)).image)
    report, images = source.convert()
    assert groups_of(images) == pairs
    check_shares(report)
