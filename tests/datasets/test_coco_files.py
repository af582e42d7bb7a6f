import os

import pytest

from ultraref.datasets.coco_files import FileNameError, ImageFolder, walk_files


@pytest.fixture
def folder(tmp_path):
    for name in ("root/a.png", "root/in/b.png", "root/in/x.png", "root/out/x.png", "elsewhere/c.png", "outside.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    os.symlink(tmp_path / "elsewhere", tmp_path / "root/linked")
    os.symlink(tmp_path / "root", tmp_path / "root/in/loop")
    return tmp_path / "root"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "a.png"),
        ("in/b.png", "in/b.png"),
        ("b.png", "in/b.png"),
        ("in\\b.png", "in/b.png"),
        ("C:\\data\\in\\b.png", "in/b.png"),
        ("/home/anna/set/b.png", "in/b.png"),
        ("../other/a.png", "a.png"),
        ("linked/c.png", "linked/c.png"),
        ("c.png", "linked/c.png"),
        ("out/x.png", "out/x.png"),
    ],
)
def test_files_are_found_wherever_the_names_come_from(folder, name, expected):
    assert ImageFolder(folder).find(name) == folder / expected


def test_a_name_in_another_composition_is_the_same(folder):
    (folder / "in/a\u0308.png").touch()
    assert ImageFolder(folder).find("\u00e4.png").name == "a\u0308.png"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x.png", "2 files of that name"),
        ("gone.png", "there is no file"),
        ("../outside.png", "there is no file"),
        ("..", "names no file"),
        ("", "names no file"),
        ("/", "names no file"),
        (None, "names no file"),
        (7, "names no file"),
        (["a.png"], "names no file"),
        ("a\x00.png", "names no file"),
        ("a\n.png", "names no file"),
        ("n" * 300 + ".png", "there is no file"),
        ("n" * 5000, "names no file"),
    ],
)
def test_other_names_are_one_line(folder, name, said):
    with pytest.raises(FileNameError) as caught:
        ImageFolder(folder).find(name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_links_in_a_circle_end(folder):
    assert len(list(walk_files(folder))) == 5
