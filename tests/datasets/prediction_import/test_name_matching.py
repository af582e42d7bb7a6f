"""The rule by which names of another tool find images, and the table that overrides it."""

import pytest

from ultraref.datasets.prediction_import import NameMatcher, read_names
from ultraref.datasets.prediction_import.name_matching import read_table

IMAGES = ["benign_0001", "benign_0007", "busi_0003_0000", "x-ray"]


@pytest.mark.parametrize(
    ("case", "image"),
    [
        ("benign_0001", "benign_0001"),
        # As the converters read file names.
        ("Benign (7)", "benign_0007"),
        ("benign_1", "benign_0001"),
        # Converted from nnU-Net's imagesTr, where the channel is part of the name.
        ("BUSI_003", "busi_0003_0000"),
        ("busi_0003_0000", "busi_0003_0000"),
        ("X-Ray", "x-ray"),
        ("benign", None),
        ("benign_0002", None),
    ],
)
def test_rule(case, image):
    assert NameMatcher(IMAGES).image_of(case) == image


def test_an_image_whose_number_is_0000_is_found_by_its_own_name_first():
    matcher = NameMatcher(["case_0000", "case_0001", "case"])
    assert [matcher.image_of(case) for case in ("case", "case_0", "case_1")] == ["case", "case_0000", "case_0001"]


def test_the_table_comes_first(tmp_path):
    (tmp_path / "names.csv").write_text("\ufeffcase, name\npatient7,x-ray\nbenign_0001 ,\n\n", encoding="utf-8")
    matcher = NameMatcher(IMAGES, read_names(tmp_path / "names.csv"))
    assert matcher.image_of("patient7") == "x-ray"
    assert matcher.image_of("benign_0001") == ""
    assert matcher.image_of("benign_0007") == "benign_0007"


def test_a_table_that_names_no_image_is_refused():
    with pytest.raises(ValueError, match=r"1 names are no images of the set: nobody"):
        NameMatcher(IMAGES, {"a": "nobody"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,image\na,b\n", r"must name the columns case,name; it has case,image"),
        ("", r"it has nothing"),
        ("case,name\na,b\na,c\n", r"line 3: case 'a' is given twice"),
        ("case,name\na,b\nc,b\n", r"line 3: image 'b' is given to two cases"),
        ("case,name\n,b\n", r"line 2: there is no case"),
        ("case,name\na,b,c\n", r"line 2: has 3 values, the header 2"),
    ],
)
def test_bad_tables(text, message, tmp_path):
    (tmp_path / "names.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_names(tmp_path / "names.csv")


def test_a_table_that_is_no_text_or_not_there(tmp_path):
    (tmp_path / "names.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is UTF-16, not UTF-8"):
        read_table(tmp_path / "names.csv", ["case"])
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_table(tmp_path / "nowhere.csv", ["case"])
