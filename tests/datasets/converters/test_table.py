import pytest

from ultraref.datasets.converters import find_table
from ultraref.datasets.converters.assign_splits import TEST
from ultraref.errors import MissingFileError, UserError


@pytest.fixture
def files(archive):
    for n in range(1, 4):
        archive.image(f"a/x{n}.png")
        archive.mask(f"b/y{n}.png")
    archive.mask("b/y1 second.png")
    return archive


def table(files, text):
    files.text("cases.csv", text)
    return files.root / "cases.csv"


def test_columns_fill_fields_and_the_rest_are_attributes(files):
    text = (
        "Image;Mask;Patient ID;Class;Split;spacing_x;spacing_y;Laterality;frame;Device;BI-RADS\n"
        "a/x1.png;b/y1.png;P1;Benign;train;0.1;0.2;R;7;GE, Logiq;4a\n"
        "a\\x2.png;b\\y2.png;P2;;test;;;;;;\n"
    )
    first, second = find_table(table(files, "\ufeff" + text)).samples
    assert (first.name, first.patient, first.category, first.fold) == ("x0001", "p1", "benign", "train")
    assert (first.spacing, first.spacing_source, first.side, first.frame) == ((0.2, 0.1), "the table", "right", 7)
    assert first.attributes == {"Device": "GE, Logiq", "BI-RADS": "4a"}
    assert (second.fold, second.patient, second.spacing, second.attributes) == (TEST, "p2", None, {})


def test_rows_of_one_image_are_united(files):
    found = find_table(table(files, "image,mask,class\na/x1.png,b/y1.png,m\na/x1.png,b/y1 second.png,m\na/x2.png,,\n"))
    (sample,) = found.samples
    assert [path.name for path in sample.mask_paths] == ["y1.png", "y1 second.png"]
    assert found.left_out == [f"{files.root}/a/x2.png: an image without a mask"]


def test_equal_file_names_get_their_path(files):
    files.image("c/x1.png")
    found = find_table(table(files, "image,mask\na/x1.png,b/y1.png\nc/x1.png,b/y2.png\n"))
    assert [sample.name for sample in found.samples] == ["a_x0001", "c_x0001"]


def test_a_root_of_its_own(files, tmp_path):
    (tmp_path / "t.csv").write_text("image,mask\nx1.png,../b/y1.png\n")
    assert len(find_table(tmp_path / "t.csv", files.root / "a").samples) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,label\na/x1.png,b/y1.png\n", r"has no column 'mask' \(mask, mask_path, .*its header is image, label"),
        ("image,mask\na/x1.png\n", "line 2 has 1 cells, but the header 2"),
        ("image,mask\n,b/y1.png\n", "line 2 names no image"),
        ("image,mask,x,x\na/x1.png,b/y1.png,,\n", "twice"),
        ("image,mask\n", "has no rows"),
        ("", "has no column 'image'"),
        ("image,mask,split\na/x1.png,b/y1.png,holdout\n", r"line 2: the split is 'holdout'; it may be train"),
        ("image,mask,spacing\na/x1.png,b/y1.png,-1\n", "line 2: the pixel spacing is '-1'"),
        ("image,mask\na/nowhere.png,b/y1.png\n", r"there is no file .*a/nowhere\.png"),
        ("image,mask\na/x1.png," + "y" * 9999 + "\n", "a cell of over 4096"),
    ],
)
def test_tables_that_are_refused(files, text, message):
    with pytest.raises(UserError, match=message) as caught:
        find_table(table(files, text))
    assert "\n" not in str(caught.value)


def test_rows_that_are_defects(files):
    found = find_table(
        table(
            files,
            "image,mask,class\na/x1.png,b/y1.png,m\na/x2.png,gone.png,m\na/x3.png,b/y3.png,m\na/x3.png,b/y2.png,b\n",
        )
    )
    assert [sample.name for sample in found.samples] == ["x0001"]
    assert "line 3: there is no file" in found.missing[0]
    assert "line 4: image a/x3.png has several rows, which differ in class" in found.bad[0]
    with pytest.raises(MissingFileError, match="no such file"):
        find_table(files.root / "nowhere.csv")
    with pytest.raises(MissingFileError, match="--root"):
        find_table(files.root / "cases.csv", files.root / "nowhere")
