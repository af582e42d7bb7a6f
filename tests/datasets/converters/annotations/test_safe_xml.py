import pytest

from ultraref.datasets.converters.annotations.safe_xml import read_xml
from ultraref.errors import MissingFileError, UserError


def test_elements_attributes_and_text(tmp_path):
    (tmp_path / "a.xml").write_text('<?xml version="1.0"?><a x="1&amp;2"><b>t\u00e4xt</b><b/></a>', encoding="utf-8")
    root = read_xml(tmp_path / "a.xml")
    assert (root.tag, root.get("x"), [child.text for child in root.findall("b")]) == ("a", "1&2", ["täxt", None])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE a [<!ENTITY e "x"><!ENTITY f "&e;&e;">]><a>&f;</a>', "has a document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>', "has a document type"),
        ('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>', "has a document type"),
        ("<a>&unknown;</a>", "no whole XML"),
        ("<a><b></a>", "no whole XML"),
        ("<a", "no whole XML"),
        ("", "no whole XML"),
        ("<a>" * 5000 + "</a>" * 5000, "more than 100 levels"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "no whole XML"),
    ],
)
def test_what_is_refused(tmp_path, text, message):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(UserError, match=rf"a\.xml: .*{message}") as caught:
        read_xml(tmp_path / "a.xml")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MissingFileError):
        read_xml(tmp_path / "a.xml")
