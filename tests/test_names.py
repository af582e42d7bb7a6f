import unicodedata

import pytest

from ultraref.errors import UserError
from ultraref.names import check_name, file_of, name_fault, plain_name

GOOD = [
    "benign_0001",
    "Benign (7)",
    "a.b-c_d",
    "\u7532",
    "\u0663",
    "L\u00e4sion",
    "\u0939\u093f\u0902\u0926\u0940",
    "b" * 200,
    "\u7532" * 66,
]
BAD = [
    "",
    " ",
    ".",
    "..",
    ".a",
    "a.",
    " a",
    "a ",
    "a/b",
    "a\\b",
    "../a",
    "a\nb",
    "a\x00",
    "a\u202eb",
    "x+1",
    "<b>",
    "'a",
    "=1",
    "a,b",
]
BAD += ["\U0001fac0", "\ud800", unicodedata.normalize("NFD", "L\u00e4sion"), "b" * 201, "\u7532" * 67, 7, None]


@pytest.mark.parametrize("name", GOOD)
def test_letters_of_any_script_are_allowed(name, tmp_path):
    assert name_fault(name) is None
    path = file_of(tmp_path, name, ".png")
    path.touch()
    assert path.parent == tmp_path


@pytest.mark.parametrize("name", BAD)
def test_everything_else_is_refused_in_one_line(name, tmp_path):
    with pytest.raises(UserError, match=r"^the image .*; rename it$") as caught:
        check_name(name, "the image")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    with pytest.raises(UserError):
        file_of(tmp_path, name, ".png")


@pytest.mark.parametrize("name", [name for name in GOOD + BAD if isinstance(name, str)])
def test_any_path_becomes_a_plain_one(name):
    for part in plain_name(f"{name}/x").split("/"):
        fault = name_fault(part)
        assert fault is None or "bytes" in fault or (not part.strip("_") and part)
    if name in GOOD:
        assert plain_name(name) == name
