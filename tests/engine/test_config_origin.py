"""Which file set a key."""

from mmengine.config import Config

from ultraref.engine.config_origin import ConfigOrigins, leaves


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder / f"{list(files)[-1]}.py"


def origins(path, options=()):
    found = ConfigOrigins(path, options)
    cfg = Config.fromfile(path).to_dict()
    return {".".join(key): found.of(key, value).rpartition("/")[2] for key, value in leaves(cfg)}


def test_the_deepest_file_that_agrees_is_named(tmp_path):
    path = write(
        tmp_path,
        base="a = dict(x=1, y=[1, 2])\n",
        middle="_base_ = './base.py'\na = dict(x=2)\nb = 3\n",
        leaf="_base_ = './middle.py'\nb = 4\nc = dict()\n",
    )
    assert origins(path) == {"a.x": "middle.py", "a.y": "base.py", "b": "leaf.py", "c": "leaf.py"}


def test_a_variable_is_followed_to_where_it_is_set(tmp_path):
    path = write(
        tmp_path,
        parts="gate = dict(type='G', cap=0.5, deep=dict(n=1))\n",
        recipe="_base_ = './parts.py'\nmodel = dict(gate=dict(_base_.gate, cap=0.8), name='m')\n",
    )
    assert origins(path) == {
        "gate.type": "parts.py",
        "gate.cap": "parts.py",
        "gate.deep.n": "parts.py",
        "model.gate.type": "parts.py",
        "model.gate.cap": "recipe.py",
        "model.gate.deep.n": "parts.py",
        "model.name": "recipe.py",
    }


def test_options_and_variables_of_the_environment(tmp_path, monkeypatch):
    write(tmp_path, one="which = 1\n")
    path = write(tmp_path, two="which = 2\n", leaf="_base_ = './{{$ULTRAREF_TEST_BASE:two}}.py'\na = dict(b=1, c=2)\n")
    assert origins(path, ["a.b"]) == {"which": "two.py", "a.b": "--cfg-options", "a.c": "leaf.py"}
    monkeypatch.setenv("ULTRAREF_TEST_BASE", "one")
    assert origins(path)["which"] == "one.py"
