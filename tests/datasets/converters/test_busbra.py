"""BUS-BRA: tables, patients, official folds."""

import pytest

from ultraref.datasets import Splits
from ultraref.datasets.converters import convert, find_busbra

HEADER = "ID,Case,Histology,Pathology,BIRADS,Device,Width,Height,Side,BBOX"


def fill(archive, prefix="", cases=10):
    """Two views of each case, the second of every third case from the other side."""
    rows, folds = [], []
    for case in range(1, cases + 1):
        for view in ("l", "r" if case % 3 == 0 else "s"):
            identity = f"bus_{case:04d}-{view}"
            archive.image(f"{prefix}Images/{identity}.png")
            archive.mask(f"{prefix}Masks/mask_{case:04d}-{view}.png")
            pathology = "malignant" if case % 2 else "benign"
            rows.append(f'{identity},{case},Fibroadenoma,{pathology},4,GE,60,48,left,"[1,2,3,4]"')
            folds.append(f"{identity},{pathology},{case % 5 + 1}")
    archive.text(f"{prefix}bus_data.csv", "\n".join([HEADER, *rows]) + "\n")
    archive.text(f"{prefix}5-fold-cv.csv", "\n".join(["ID,Pathology,kFold", *folds]) + "\n")
    return rows


def test_patients_and_classes_come_from_the_table(archive, tmp_path):
    fill(archive, "BUSBRA/")
    found = find_busbra(archive.root)
    assert len(found.samples) == 20
    assert not found.bad + found.left_out
    sample = next(s for s in found.samples if s.name == "bus_0003-r")
    assert (sample.patient, sample.category, sample.fold) == ("3", "malignant", None)
    assert sample.mask_paths[0].name == "mask_0003-r.png"
    convert(found, tmp_path / "dst", "busbra")
    images = Splits.read(tmp_path / "dst").images
    assert len({(entry.patient, entry.split, entry.fold) for entry in images.values()}) == 10
    assert "patient and pHash" in Splits.read(tmp_path / "dst").grouping


def test_what_the_table_says_comes_into_the_table_of_cases(archive, tmp_path):
    """Made-up content in the published columns. The boxes of the mask at x 12, y 10 of 14 x 14 pixels: as it is, counted from 1, as two
    corners; and one that is another's."""
    rows = fill(archive)
    boxes = ['"[12,10,14,14]"', '"[13 11 14 14]"', '"[12, 10, 26, 24]"', '"[40,30,5,5]"']
    for place, box in enumerate(boxes):
        rows[place] = rows[place].replace('"[1,2,3,4]"', box)
    rows[4] = rows[4].replace('60,48,left,"[1,2,3,4]"', "61,48,right,")
    rows[5:] = [row.replace('"[1,2,3,4]"', "") for row in rows[5:]]
    archive.text("bus_data.csv", "\n".join([HEADER, *rows]) + "\n")
    report = convert(find_busbra(archive.root), tmp_path / "dst", "busbra")
    assert report.contradictions == [
        "bus_0002-s: the table's box is [40,30,5,5], but the mask's x, y, width, height are 12, 10, 14, 14",
        "bus_0003-l: the table's width is 61, but the image's 60",
    ]
    assert "2 values of the set's table contradict the files, and are not used" in str(report)
    cases = Splits.read(tmp_path / "dst").cases.rows
    entry = Splits.read(tmp_path / "dst").images["bus_0001-s"]
    assert cases["bus_0001-s"] == {
        "path": "Images/bus_0001-s.png",
        "split": entry.split,
        **({} if entry.fold is None else {"fold": str(entry.fold)}),
        "patient": "1",
        "side": "left",
        "class": "malignant",
        "device": "GE",
        "birads": "4",
        "height": "48",
        "width": "60",
        "lesion_area": "196",
        "lesion_parts": "1",
        "histology": "Fibroadenoma",
        "bbox": "[13 11 14 14]",
    }
    assert "bbox" not in cases["bus_0002-s"]
    assert (cases["bus_0003-l"]["width"], cases["bus_0003-l"]["side"]) == ("60", "right")


def test_an_image_that_the_table_lists_and_that_is_not_there_is_missing(archive, tmp_path):
    fill(archive)
    (archive.root / "Images" / "bus_0004-s.png").unlink()
    with pytest.raises(ValueError, match=r"1 images are missing.*(?s:.*)Images/bus_0004-s: is listed in bus_data\.csv"):
        convert(find_busbra(archive.root), tmp_path / "dst", "busbra")
    report = convert(find_busbra(archive.root), tmp_path / "dst", "busbra", skip_missing=True)
    assert (report.kept, len(report.missing)) == (19, 1)


def test_official_folds(archive, tmp_path):
    fill(archive)
    report = convert(find_busbra(archive.root, official_folds=5), tmp_path / "dst", "busbra")
    splits = Splits.read(tmp_path / "dst")
    assert (splits.grouping, splits.num_folds, splits.grouped) == ("official 5 folds", 5, True)
    assert all(entry.fold == int(entry.patient) % 5 for entry in splits.images.values())
    assert report.parts == {f"fold {k}": 4 for k in range(5)}
    with pytest.raises(FileNotFoundError, match="10-fold-cv"):
        find_busbra(archive.root, official_folds=10)
    with pytest.raises(ValueError, match="5 or 10 official folds, not 7"):
        find_busbra(archive.root, official_folds=7)


def test_official_folds_that_split_a_patient_are_named_ungrouped(archive, tmp_path):
    fill(archive)
    table = (archive.root / "5-fold-cv.csv").read_text().replace("bus_0001-s,malignant,2", "bus_0001-s,malignant,5")
    archive.text("5-fold-cv.csv", table)
    report = convert(find_busbra(archive.root, official_folds=5), tmp_path / "dst", "busbra")
    assert not Splits.read(tmp_path / "dst").grouped
    assert "UNGROUPED" in str(report)


@pytest.mark.parametrize("cut", [10, 30, 48])
def test_a_truncated_table_is_a_defect(archive, tmp_path, cut):
    rows = fill(archive)
    text = "\n".join([HEADER, *rows])
    archive.text("bus_data.csv", text[: len(text) - len(rows[-1]) - len(rows[-2]) - 1 + cut])
    found = find_busbra(archive.root)
    assert len(found.samples) == 18
    words = " ".join(found.bad)
    assert "bus_data.csv: line 20 is not whole" in words
    assert "bus_0010-l.png: is not listed in bus_data.csv" in words
    assert "bus_0010-s.png: is not listed" in words
    with pytest.raises(ValueError, match="3 defects"):
        convert(found, tmp_path / "dst", "busbra")
    report = convert(found, tmp_path / "dst", "busbra", skip_bad=True)
    assert (report.kept, len(report.bad)) == (18, 3)


def test_defects_of_tables_are_named(archive):
    rows = fill(archive)
    archive.text("bus_data.csv", "\n".join([HEADER, *rows, rows[0]]) + "\n")
    assert any("line 22 lists bus_0001-l again" in message for message in find_busbra(archive.root).bad)
    archive.text("bus_data.csv", "ID,Patient\n")
    with pytest.raises(ValueError, match=r"bus_data\.csv: the first line must name the columns ID,Case,Pathology"):
        find_busbra(archive.root)
    fill(archive)
    table = (archive.root / "5-fold-cv.csv").read_text().replace("bus_0002-l,benign,3", "bus_0002-l,benign,6")
    archive.text("5-fold-cv.csv", table)
    words = " ".join(find_busbra(archive.root, official_folds=5).bad)
    assert "the fold of bus_0002-l is '6'; folds are 1 to 5" in words


def test_capital_names_and_strays(archive):
    fill(archive, "BUSBRA/")
    images = archive.root / "BUSBRA" / "Images"
    (images / "bus_0001-l.png").rename(images / "BUS_0001-L.PNG")
    archive.text("BUSBRA/Images/Thumbs.db")
    archive.image("BUSBRA/Images/bus_0099-l.png")
    found = find_busbra(archive.root)
    assert len(found.samples) == 20
    assert any("Thumbs.db" in m for m in found.left_out)
    assert any("bus_0099-l.png: an image without a mask" in m for m in found.left_out)
