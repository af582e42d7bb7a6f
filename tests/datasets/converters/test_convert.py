"""From found files to the layout that the data set reads."""

import hashlib
import json
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.converters import Found, RawSample, convert, find_busi
from ultraref.datasets.image_io import read_image, read_mask
from ultraref.datasets.splits import Splits
from ultraref.errors import UserError
from ultraref.testing.phantom import make_phantom


def tree(folder):
    """Content of every file by relative path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def write_sample(folder, name, image, *masks, **fields):
    """Writes the files of one sample and returns it."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.png", *(folder / f"{name}_m{i}.png" for i in range(len(masks)))]
    for path, array in zip(paths, (image, *masks)):
        Image.fromarray(array).save(path)
    return RawSample(name, paths[0], tuple(paths[1:]), **fields)


def corner(size=9, shape=(60, 72), value=255):
    mask = np.zeros(shape, np.uint8)
    mask[:size, :size] = value
    return mask


def picture(seed):
    phantom = make_phantom(np.random.default_rng(seed), "normal")
    return cv2.resize(phantom.image, (72, 60), interpolation=cv2.INTER_AREA)


@pytest.fixture
def samples(tmp_path):
    """Twelve images of one lesion each."""
    return [write_sample(tmp_path / "raw", f"i{n:02d}", picture(n), corner()) for n in range(12)]


def test_files_and_record(raw_phantoms, phantom_root):
    splits = Splits.read(phantom_root)
    samples = {sample.name: sample for sample in find_busi(raw_phantoms).samples}
    assert splits.images.keys() == {name for name in samples if not name.startswith("normal")}
    paths = {str(path.relative_to(phantom_root)) for path in phantom_root.rglob("*") if path.is_file()}
    expected = {f"{e.split}/{kind}/{n}.png" for n, e in splits.images.items() for kind in ("images", "masks")}
    assert paths == expected | {"splits.json", "cases.csv", "report.json", "montage.png"}
    for name, entry in splits.images.items():
        image_path = phantom_root / entry.split / "images" / f"{name}.png"
        assert entry.sha256 == hashlib.sha256(image_path.read_bytes()).hexdigest()
        np.testing.assert_array_equal(read_image(image_path), read_image(samples[name].image_path))
        stored = np.asarray(Image.open(phantom_root / entry.split / "masks" / f"{name}.png"))
        union = np.any([read_mask(path) for path in samples[name].mask_paths], axis=0)
        np.testing.assert_array_equal(stored, union * 255)
    assert (splits.grouped, splits.num_folds) == (True, 5)


def test_masks_are_merged_and_blank_ones_dropped(tmp_path, samples):
    raw = tmp_path / "raw"
    other = np.flip(corner())
    extra = [
        write_sample(raw, "two", picture(50), corner(), other),
        write_sample(raw, "one", picture(51), corner(), corner(0)),
        write_sample(raw, "none", picture(52), corner(0), corner(0)),
    ]
    report = convert(Found([*samples, *extra]), tmp_path / "dst", "toy")
    assert (report.found, report.kept, report.blank, report.merged) == (15, 14, ["none"], ["two"])
    entry = Splits.read(tmp_path / "dst").images["two"]
    np.testing.assert_array_equal(
        read_mask(tmp_path / "dst" / entry.split / "masks" / "two.png"), (corner() | other) > 0
    )
    for words in ("15 images found", "14 kept", "1 without a lesion dropped", "1 with several masks merged"):
        assert words in str(report)


def test_the_same_input_gives_the_same_bytes(tmp_path, samples):
    convert(Found(samples), tmp_path / "a", "toy")
    convert(Found(samples[::-1]), tmp_path / "b", "toy")
    first = tree(tmp_path / "a")
    assert tree(tmp_path / "b") == first
    convert(Found(samples), tmp_path / "a", "toy")  # over the old one
    assert tree(tmp_path / "a") == first
    convert(Found(samples), tmp_path / "c", "toy", seed=1)
    assert tree(tmp_path / "c")["splits.json"] != first["splits.json"]


def test_near_duplicates_and_patients_stay_together(tmp_path, samples):
    raw = tmp_path / "raw"
    brighter = np.clip(picture(3) * 0.9 + 10, 0, 255).astype(np.uint8)
    copy = write_sample(raw, "i03copy", brighter, corner())
    visits = [write_sample(raw, f"p{n}", picture(60 + n), corner(), patient="anna") for n in range(4)]
    for seed in range(4):
        report = convert(Found([*samples, copy, *visits]), tmp_path / "dst", "toy", seed=seed)
        images = Splits.read(tmp_path / "dst").images
        assert images["i03"].group == images["i03copy"].group == "i03"
        assert images["i03"].fold == images["i03copy"].fold
        assert len({images[f"p{n}"].fold for n in range(4)}) == 1
        assert {images[f"p{n}"].group for n in range(4)} == {"p0"}
        assert (report.num_groups, report.num_grouped) == (2, 6)
    assert "patient and pHash distance <= 76" in Splits.read(tmp_path / "dst").grouping


def test_ungrouped_is_named_so(tmp_path, samples):
    copies = [write_sample(tmp_path / "raw", f"copy{n}", picture(3), corner()) for n in range(6)]
    convert(Found([*samples, *copies]), tmp_path / "dst", "toy", ungrouped=True)
    splits = Splits.read(tmp_path / "dst")
    assert not splits.grouped
    assert splits.grouping == "none"
    assert len({splits.images[f"copy{n}"].fold for n in range(6)}) > 1


def test_foreign_files_are_refused_and_kept(tmp_path, samples):
    dst = tmp_path / "dst"
    dst.mkdir()
    (dst / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"dst.*thesis\.tex"):
        convert(Found(samples), dst, "toy")
    assert (dst / "thesis.tex").read_text() == "years of work"
    (dst / "thesis.tex").unlink()
    (dst / "train").mkdir()
    with pytest.raises(UserError, match=r"splits\.json"):
        convert(Found(samples), dst, "toy")
    with pytest.raises(UserError, match="is a file"):
        convert(Found(samples), samples[0].image_path, "toy")


def test_a_set_is_not_replaced_by_what_is_made_of_it(tmp_path, samples):
    convert(Found(samples), tmp_path / "set", "toy")
    before = tree(tmp_path / "set")
    with pytest.raises(UserError, match="is where the images come from"):
        convert(Found(samples, source=tmp_path / "set"), tmp_path / "set" / ".." / "set", "toy")
    assert tree(tmp_path / "set") == before


def test_an_interrupted_run_leaves_nothing(tmp_path, samples):
    def interrupt(items):
        yield from items[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(Found(samples), tmp_path / "dst", "toy", progress=interrupt)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw"]


def test_a_corrupt_image_and_a_mask_of_another_size_are_named(tmp_path, samples):
    odd = write_sample(tmp_path / "raw", "odd", picture(70), corner(shape=(72, 60)))
    with pytest.raises(ValueError, match=r"odd_m0\.png: the mask is 72 x 60 .*odd\.png is 60 x 72"):
        convert(Found([*samples, odd]), tmp_path / "dst", "toy")
    samples[4].image_path.write_bytes(samples[4].image_path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"i04\.png"):
        convert(Found(samples), tmp_path / "dst", "toy")
    assert not (tmp_path / "dst").exists()


def test_names_must_differ_and_lesions_be_there(tmp_path, samples):
    with pytest.raises(ValueError, match=r"1 names occur twice, e\.g\. 'i02'"):
        convert(Found([*samples, samples[2]]), tmp_path / "dst", "toy")
    with pytest.raises(ValueError, match="toy: no image with a mask"):
        convert(Found([]), tmp_path / "dst", "toy")
    blank = write_sample(tmp_path / "raw", "blank", picture(0), corner(0))
    with pytest.raises(ValueError, match="none of the 1 images has a lesion"):
        convert(Found([blank]), tmp_path / "dst", "toy")


def test_pixels_are_hashed_apart_from_their_encoding(tmp_path, samples):
    convert(Found(samples), tmp_path / "a", "toy")
    recoded = shutil.copytree(tmp_path / "raw", tmp_path / "recoded")
    Image.open(recoded / "i00.png").convert("RGB").save(recoded / "i00.png", compress_level=0)
    moved = [
        RawSample(s.name, recoded / s.image_path.name, tuple(recoded / p.name for p in s.mask_paths)) for s in samples
    ]
    convert(Found(moved), tmp_path / "b", "toy")
    hashes = [json.loads((tmp_path / d / "splits.json").read_text())["hash"] for d in "ab"]
    assert hashes[0] == hashes[1]


def test_defects_are_named_together_and_skipped_on_demand(tmp_path, samples):
    odd = write_sample(tmp_path / "raw", "odd", picture(70), corner(shape=(72, 60)))
    samples[4].image_path.write_bytes(samples[4].image_path.read_bytes()[:100])
    samples[5].mask_paths[0].write_bytes(b"")
    found = Found([*samples, odd], ["stray.txt: not an image"], ["twice: get the same name"], source=tmp_path / "raw")
    with pytest.raises(ValueError, match="4 defects") as error:
        convert(found, tmp_path / "dst", "toy")
    for words in ("i04.png", "i05_m0.png", "odd_m0.png: the mask is 72 x 60", "twice: get", "--skip-bad"):
        assert words in str(error.value)
    assert not (tmp_path / "dst").exists()
    report = convert(found, tmp_path / "dst", "toy", skip_bad=True)
    assert (report.found, report.kept, len(report.bad), len(report.left_out)) == (13, 10, 4, 1)
    assert not {"i04", "i05", "odd"} & Splits.read(tmp_path / "dst").images.keys()
    assert not list((tmp_path / "dst").rglob("i04*"))
    assert report.bad[1].startswith("i04.png")  # relative to the source


def test_normals_are_dropped_or_become_a_part_of_the_set(tmp_path, samples):
    blanks = [write_sample(tmp_path / "raw", f"blank{n}", picture(52 + n), corner(0)) for n in range(12)]
    convert(Found([*samples, *blanks]), tmp_path / "dst", "toy")
    dropped = Splits.read(tmp_path / "dst")
    assert not any("blank" in path for path in tree(tmp_path / "dst"))
    report = convert(Found([*samples, *blanks]), tmp_path / "dst", "toy", keep_normals=True)
    kept = Splits.read(tmp_path / "dst")
    assert report.blank == sorted(blank.name for blank in blanks)
    assert sum(report.normals.values()) == 12
    assert "12 of 12 without a lesion kept as normals" in str(report)
    # The others stay where they are, and the normals are dealt out as they are: a fifth to the test set.
    assert {name: entry for name, entry in kept.images.items() if not entry.normal} == dropped.images
    assert (kept.select("all"), kept.select("test")) == (dropped.select("all"), dropped.select("test"))
    assert len(kept.select("test", normals=True)) in (2, 3)
    assert {kept.images[name].fold for name in kept.select("train", normals=True)} == {0, 1, 2, 3, 4}
    assert not read_mask(tmp_path / "dst" / kept.images["blank3"].split / "masks" / "blank3.png").any()
    assert kept.cases.rows["blank3"]["lesion_area"] == kept.cases.rows["blank3"]["lesion_parts"] == "0"
    assert dropped.cases.rows == {name: kept.cases.rows[name] for name in dropped.images}
    convert(Found(samples), tmp_path / "dst", "toy")  # what a conversion wrote may be replaced
    assert not list((tmp_path / "dst").rglob("blank*"))


def test_a_normal_goes_where_its_patient_is(tmp_path, samples):
    raw = tmp_path / "raw"
    ill = [write_sample(raw, f"p{n}", picture(60 + n), corner(), patient=f"p{n}") for n in range(6)]
    well = [write_sample(raw, f"a{n}", picture(70 + n), corner(0), patient=f"p{n}") for n in range(6)]
    convert(Found([*samples, *ill, *well]), tmp_path / "dst", "toy", keep_normals=True)
    images = Splits.read(tmp_path / "dst").images
    for n in range(6):
        lesion, normal = images[f"p{n}"], images[f"a{n}"]
        assert (normal.split, normal.fold, normal.group) == (lesion.split, lesion.fold, lesion.group)


def test_missing_images_are_listed_and_refused_or_counted(tmp_path, samples):
    found = Found(samples, source=tmp_path / "raw", missing=[f"{tmp_path / 'raw'}/gone.png: is listed in a table"])
    with pytest.raises(UserError, match=r"1 images are missing.*--skip-missing:\n.*gone\.png: is listed"):
        convert(found, tmp_path / "dst", "toy", skip_bad=True)
    report = convert(found, tmp_path / "dst", "toy", skip_missing=True)
    assert report.missing == ["gone.png: is listed in a table"]
    assert "1 missing images skipped" in str(report)
    assert not report.is_whole
    assert convert(Found(samples), tmp_path / "dst", "toy").is_whole


@pytest.mark.parametrize("file", ["train/images/notes.txt", "train/deep/er/a.png", "normals/a.png"])
def test_a_foreign_file_among_the_converted_ones_is_refused(tmp_path, samples, file):
    convert(Found(samples), tmp_path / "dst", "toy")
    path = tmp_path / "dst" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    with pytest.raises(UserError, match=file):
        convert(Found(samples), tmp_path / "dst", "toy")
    assert path.read_text() == "mine"


def test_known_pairs_stay_together(tmp_path, samples):
    known = [("i00", "i07"), ("i07", "i11"), ("i01", "gone")]
    for seed in range(4):
        report = convert(Found(samples, together=known), tmp_path / "dst", "toy", seed=seed)
        images = Splits.read(tmp_path / "dst").images
        assert len({images[name].fold for name in ("i00", "i07", "i11")}) == 1
        assert report.num_grouped == 3
    assert report.grouping.endswith("2 known pairs")


def test_one_depth_for_images_of_more_than_8_bits(tmp_path, samples):
    """Of the same brightness, one with a maximum of 1020 and one of 1030: scaled alone, 10 and 12 bits would be taken."""
    for number, peak in enumerate((1020, 1030)):
        image = picture(50 + number).astype(np.uint16)
        image[-1, -1], image[-1, -2] = peak, 800
        samples.append(write_sample(tmp_path / "raw", f"wide{number}", image, corner()))
    report = convert(Found(samples), tmp_path / "out", "wide")
    assert report.bits == 12
    assert "taken as 12 bits" in str(report)
    for number in range(2):
        (path,) = (tmp_path / "out").glob(f"*/images/wide{number}.png")
        assert read_image(path)[-1, -2] == round(800 / 4095 * 255)
    # The depth is of 16-bit files alone.
    (path,) = (tmp_path / "out").glob("*/images/i00.png")
    np.testing.assert_array_equal(read_image(path), picture(0))


def test_a_set_of_8_bits_has_no_depth(tmp_path, samples):
    report = convert(Found(samples), tmp_path / "out", "plain")
    assert report.bits is None
    assert "depth:" not in str(report)


def test_an_inverted_mask_is_asked_about(tmp_path, samples):
    samples.append(write_sample(tmp_path / "raw", "turned", picture(40), 255 - np.roll(corner(), (20, 20), (0, 1))))
    report = convert(Found(samples), tmp_path / "out", "turned")
    assert report.inverted == ["turned"]
    assert "QUESTION: are masks inverted?" in str(report)
    assert json.loads((tmp_path / "out" / "report.json").read_text())["inverted"] == ["turned"]


def test_a_turned_photograph_is_converted_upright(tmp_path, samples):
    image, mask = picture(41), np.roll(corner(), 30, 1)
    turned = write_sample(tmp_path / "raw", "turned", image, mask)
    exif = Image.Exif()
    exif[274] = 3
    Image.fromarray(image[::-1, ::-1]).save(turned.image_path, exif=exif)
    convert(Found([*samples, turned]), tmp_path / "out", "turned")
    (written,) = (tmp_path / "out").glob("*/images/turned.png")
    np.testing.assert_array_equal(read_image(written), image)
    assert "exif" not in Image.open(written).info


def test_void_labels_and_several_pages_are_defects_with_their_values(tmp_path, samples):
    void = corner(20)
    void[:15, :15] = 1
    samples.append(write_sample(tmp_path / "raw", "void", picture(42), void))
    samples.append(write_sample(tmp_path / "raw", "pages", picture(43), corner()))
    pages = Image.fromarray(picture(43))
    pages.save(samples[-1].image_path, "TIFF", save_all=True, append_images=[pages])
    with pytest.raises(UserError) as caught:
        convert(Found(samples), tmp_path / "out", "odd")
    assert "void_m0.png: is a label map, as its values and their pixels are 0: 3920, 1: 225, 255: 175" in str(
        caught.value
    )
    assert "pages.png: has 2 pages or frames" in str(caught.value)
