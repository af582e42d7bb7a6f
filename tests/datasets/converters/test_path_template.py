import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultraref.datasets.converters.path_template import PathIndex, PathTemplate

WORDS = st.text("ab1_.-é", min_size=1, max_size=4).filter(lambda text: text not in (".", ".."))


@pytest.mark.parametrize(
    ("template", "path", "parts"),
    [
        ("{patient}/img/{frame}.png", "p1/img/7.PNG", {"patient": "p1", "frame": "7"}),
        ("{patient}/img/{frame}.png", "a/p1/img/7.png", None),
        ("**/{n}.png", "a/b/7.png", {"n": "7"}),
        ("**/{n}.png", "7.png", {"n": "7"}),
        ("{p}/{p}_{n}.png", "x/x_1.png", {"p": "x", "n": "1"}),
        ("{p}/{p}_{n}.png", "x/y_1.png", None),
        ("{a}_{b}.png", "1_2_3.png", {"a": "1", "b": "2_3"}),
        ("{a}_{b:[0-9]}.png", "1_2_3.png", {"a": "1_2", "b": "3"}),
        ("i/{n}.*", "i/a.b.nii.gz", {"n": "a.b"}),
        ("i/{n}.*", "i/a.txt", None),
        ("i*/{n}[1].png", "images/x[1].png", {"n": "x"}),
    ],
)
def test_parts(template, path, parts):
    assert PathTemplate(template, "--images").match(path) == parts


@given(
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8),
    st.sampled_from(["{p}/{n}.png", "{n}/x_{p}*", "*{p}-{n}", "{n}"]),
)
def test_an_index_finds_what_trying_every_path_finds(pairs, text):
    template = PathTemplate(text, "--masks")
    paths = sorted({text.replace("{p}", p).replace("{n}", n).replace("*", "z") for p, n in pairs})
    index = PathIndex(paths)
    for p, n in pairs:
        fits = template.expression({"p": p, "n": n}).fullmatch
        assert [path for path, _ in index.find(template, {"p": p, "n": n})] == [path for path in paths if fits(path)]
        assert index.find(template, {"n": n})
