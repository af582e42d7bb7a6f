"""Which files an input means, and what their results are called."""

import pytest

from ultraref.apis.inference.files import find_files, stem
from ultraref.errors import MissingFileError, UserError


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(inputs):
    return [file.name for file in find_files(inputs)]


def test_a_folder_is_searched_deep_and_its_structure_kept(tmp_path):
    touch(tmp_path, "b.png", "p1/a.JPG", "p2/a.nii.gz", "notes.txt", ".hidden.png", ".cache/x.png", "README")
    assert names(tmp_path) == ["b", "p1/a", "p2/a"]


def test_a_dicom_file_needs_no_suffix(tmp_path):
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM" + bytes(10))
    assert names(tmp_path) == ["IM0001"]


def test_equal_names_take_their_suffix(tmp_path):
    touch(tmp_path, "a.png", "a.jpg", "b.nii.gz")
    assert names(tmp_path) == ["a_jpg", "a_png", "b"]


def test_a_glob_keeps_what_is_below_its_fixed_part(tmp_path):
    touch(tmp_path, "p1/img/x.png", "p2/img/x.png", "p2/seg/x.png")
    assert names(f"{tmp_path}/*/img/*.png") == ["p1/img/x", "p2/img/x"]


def test_a_file_that_is_named_is_taken_and_once(tmp_path):
    touch(tmp_path, "odd.scan")
    assert names([tmp_path / "odd.scan", str(tmp_path / "odd.scan")]) == ["odd.scan"]


def test_files_of_two_folders_with_one_name_are_refused(tmp_path):
    touch(tmp_path, "p1/a.png", "p2/a.png")
    with pytest.raises(UserError, match=r"would have one name, a"):
        find_files([tmp_path / "p1", tmp_path / "p2"])


@pytest.mark.parametrize(("given", "message"), [("none.png", "no such file"), ("*.png", "no file matches")])
def test_what_is_not_there(tmp_path, given, message):
    with pytest.raises(MissingFileError, match=message):
        find_files(tmp_path / given)


def test_an_empty_folder(tmp_path):
    with pytest.raises(UserError, match="holds no image"):
        find_files(tmp_path)


def test_stem_takes_the_longest_suffix():
    assert stem("scan.nii.gz") == "scan"
    assert stem("p/scan.v2.PNG") == "p/scan.v2"
    assert stem("p/.png") == "p/.png"


def test_results_are_called_by_what_names_may_hold(tmp_path):
    touch(tmp_path, "x+1.png", "=cmd.png", "a\nb.png", "p 1/La\u0308sion (2).png", "\u7532.png")
    assert names(tmp_path) == ["_cmd", "a_b", "x_1", "\u7532", "p 1/L\u00e4sion (2)"]
    touch(tmp_path, "x*1.png")
    with pytest.raises(UserError, match="would have one name, x_1"):
        find_files(tmp_path)


def test_frames_come_in_the_order_of_their_numbers(tmp_path):
    touch(tmp_path, "v10/a1.png", "v2/a10.png", "v2/a9.png", "v2/sub/a1.png", "v2/A11.png", "z.png")
    assert names(tmp_path) == ["z", "v2/a9", "v2/a10", "v2/A11", "v2/sub/a1", "v10/a1"]


def test_a_folder_may_be_a_video(tmp_path):
    touch(tmp_path, "v1/f2.png", "v1/f10.png", "v2/f1.png")
    assert {file.video for file in find_files(tmp_path)} == {None}
    first, second, other = find_files(tmp_path, video_folders=True)
    assert (first.name, second.name) == ("v1/f2", "v1/f10")
    assert first.video == second.video == str((tmp_path / "v1").resolve())
    assert first.video_state == second.video_state != other.video_state
    (tmp_path / "v1" / "f10.png").write_bytes(b"changed")
    changed = find_files(tmp_path, video_folders=True)
    assert changed[0].video_state != first.video_state
    assert changed[2].video_state == other.video_state
