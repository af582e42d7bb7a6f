"""What a protocol may say, and what is said of one that is wrong."""

from pathlib import Path

import pytest

from ultraref.errors import UserError
from ultraref.protocol.definition import narrow, read_protocol, with_sources

ROOT = Path(__file__).parents[2]
GOOD = dict(sets={"busi": {}, "bus": {}}, phase1="a.py", phase2="b.py", phase3=["c.py", "d.py"], folds=[0, 2])


def write(folder, **content) -> Path:
    path = folder / "mine.py"
    path.write_text("".join(f"{name} = {value!r}\n" for name, value in content.items()))
    return path


def test_defaults_are_filled_in(tmp_path):
    protocol = read_protocol(write(tmp_path, **GOOD))
    assert protocol.tested == ["b.py", "c.py", "d.py"]
    assert protocol.summary == "c.py"
    assert protocol.work_dir == "work_dirs/mine"
    assert (protocol.jobs, protocol.num_folds) == (1, 5)


@pytest.mark.parametrize("name", ["quickstart", "busi", "five_sets", "protocols/busi.py", "configs/protocols/busi.py"])
def test_shipped_ones_are_found_by_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Path(read_protocol(name).path).parent == ROOT / "configs/protocols"


def test_the_full_one_is_the_references_study():
    protocol = read_protocol("five_sets")
    assert list(protocol.sets) == ["busi", "busbra", "bus", "bus_uc", "bus_uclm"]
    assert protocol.folds == [0, 1, 2, 3, 4]
    assert protocol.resources_of("phase3")["gpus"] == 1
    assert protocol.resources_of("summary")["gpus"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(fold=[0]), r"fold is no variable of a protocol; there are sets, phase3"),
        (dict(folds=[0, 5]), r"folds has 5; a fold is a number from 0 to 4"),
        (dict(folds=[]), r"folds is \[\]; it is a list with one or more items"),
        (dict(phase3="c.py"), r"phase3 is 'c.py'; it is a list"),
        (dict(tested=["x.py"]), r"tested has 'x.py', which is no recipe of a phase; those are a.py, b.py, c.py, d.py"),
        (dict(tested=["d.py"]), r"summary is 'c.py', which isn't tested"),
        (dict(summary="x.py"), r"summary has 'x.py'"),
        (dict(jobs=0), r"jobs is 0; it is a number from 1 on"),
        (
            dict(sets={"busi": dict(sorce="x")}),
            r"sets\['busi'\] has 'sorce'; there are converter, options, phantoms, source",
        ),
        (dict(sets={"p": dict(phantoms=dict(num=10))}), r"sets\['p'\] has phantoms, but no source"),
        (dict(resources=dict(phase1=dict(gpu=1))), r"resources\['phase1'\] has 'gpu'; there are account, constraint"),
    ],
)
def test_mistakes_are_named(change, message, tmp_path):
    with pytest.raises(UserError, match=rf"(?s)protocol .*mine\.py.*{message}"):
        read_protocol(write(tmp_path, **{**GOOD, **change}))


def test_what_is_missing_or_unreadable_is_named(tmp_path):
    with pytest.raises(UserError, match="sets is missing"):
        read_protocol(write(tmp_path, phase3=["c.py"]))
    (tmp_path / "mine.py").write_text("sets = dict(\n")
    with pytest.raises(UserError, match=r"mine\.py can't be read: SyntaxError"):
        read_protocol(tmp_path / "mine.py")
    with pytest.raises(UserError, match=r"did you mean protocols/busi\.py"):
        read_protocol("bussi")


def test_sets_folds_and_sources_are_chosen(tmp_path):
    protocol = read_protocol(write(tmp_path, **GOOD))
    narrowed = narrow(protocol, ["bus"], [2])
    assert (list(narrowed.sets), narrowed.folds) == (["bus"], [2])
    assert narrow(protocol, None, None) == protocol
    with pytest.raises(UserError, match=r"--folds 1: .*mine\.py has folds 0, 2"):
        narrow(protocol, None, [1])
    with pytest.raises(UserError, match=r"--sets busy: .*mine\.py has sets busi, bus"):
        narrow(protocol, ["busy"], None)
    assert with_sources(protocol, {"bus": str(tmp_path)}).sets["bus"] == {"source": str(tmp_path)}
    with pytest.raises(UserError, match="there is no such folder"):
        with_sources(protocol, {"bus": "nowhere"})
    with pytest.raises(UserError, match="has sets busi, bus"):
        with_sources(protocol, {"own": str(tmp_path)})
