"""Set and fold of a recipe: from options, from the environment, from an alias; and what is refused."""

import os
from pathlib import Path

import pytest
from mmengine.config import Config

from ultraref.apis.print_config import format_config
from ultraref.engine.config_check import ConfigError
from ultraref.engine.recipe import bases_of, find_set_file, parameters_of, read_recipe, run_name
from ultraref.errors import UserError

ROOT = Path(__file__).parents[2]
GATED = ROOT / "configs/phase3/gated.py"
ALIAS = ROOT / "configs/phase3/gated_busi_fold0.py"
HYBRID = ROOT / "configs/phase2/sam_hybrid.py"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("ULTRAREF_SET", "ULTRAREF_FOLD", "ULTRAREF_DATA"):
        monkeypatch.delenv(name, raising=False)


def places(cfg):
    """What depends on set and fold in a phase-3 config."""
    return (
        cfg.train_dataloader.dataset.data_root,
        cfg.train_dataloader.dataset.fold,
        cfg.val_dataloader.dataset.fold,
        cfg.model.coarse_source.checkpoint,
    )


def test_set_and_fold_reach_every_place():
    cfg = read_recipe(GATED, "busbra", 3)
    assert places(cfg) == ("data/busbra", 3, 3, "work_dirs/transunet_busbra_fold3/best.pth")
    assert run_name(cfg) == "gated_busbra_fold3"
    assert parameters_of(cfg) == ("busbra", "3")
    command = cfg.made_by["work_dirs/transunet_busbra_fold3/best.pth"]
    assert command == "python tools/train.py configs/phase1/transunet.py --set busbra --fold 3"


def test_mmengine_alone_reads_a_recipe(monkeypatch):
    assert places(Config.fromfile(GATED)) == ("data/busi", 0, 0, "work_dirs/transunet_busi_fold0/best.pth")
    monkeypatch.setenv("ULTRAREF_SET", "bus_uc")
    monkeypatch.setenv("ULTRAREF_FOLD", "2")
    assert places(Config.fromfile(GATED)) == places(read_recipe(GATED)) == places(read_recipe(GATED, "bus_uc", 2))


def test_options_stand_above_the_environment_and_leave_it_alone(monkeypatch):
    monkeypatch.setenv("ULTRAREF_FOLD", "2")
    assert read_recipe(GATED, fold=4).fold == 4
    assert os.environ["ULTRAREF_FOLD"] == "2"
    assert "ULTRAREF_SET" not in os.environ


def test_all_folds_are_one_sam_of_phase_2():
    cfg = read_recipe(HYBRID, "busi", "all")
    assert cfg.train_dataloader.dataset.fold is None
    assert cfg.val_dataloader.dataset.fold == cfg.test_dataloader.dataset.fold == 0
    assert cfg.default_hooks.checkpoint.save_best is None
    assert cfg.default_hooks.provenance.allow_seen
    assert run_name(cfg) == "sam_hybrid_busi_shared"
    assert not read_recipe(HYBRID, "busi", 0).default_hooks.provenance.allow_seen


@pytest.mark.parametrize("kind", ["hybrid", "online", "predictions"])
def test_all_sets_are_joined_in_phase_2(kind):
    cfg = read_recipe(ROOT / f"configs/phase2/sam_{kind}.py", "all", 1)
    sets = ("busi", "busbra", "bus", "bus_uc", "bus_uclm")
    for part in ("train", "val", "test"):
        dataset = cfg[f"{part}_dataloader"].dataset
        assert (dataset.type, dataset.split, dataset.fold) == ("ConcatLesionDataset", part, 1)
        assert [one.data_root for one in dataset.datasets] == [f"data/{name}" for name in sets]
        # Simulated errors need no coarse network until the test.
        stored = kind != "online" or part == "test"
        expected = [f"work_dirs/predictions/transunet_{name}" if stored else None for name in sets]
        assert [one.get("predictions") for one in dataset.datasets] == expected


def test_an_alias_is_its_recipe_with_parameters():
    alias, recipe = read_recipe(ALIAS), read_recipe(GATED, "busi", 0)
    assert alias.model == recipe.model
    assert places(alias) == places(recipe)
    assert run_name(alias) == run_name(recipe) == "gated_busi_fold0"
    assert places(read_recipe(ALIAS, "busi", "0")) == places(recipe)


@pytest.mark.parametrize(("set", "fold"), [("busbra", None), (None, 3), ("busi", 1)])
def test_an_alias_with_other_parameters_names_the_recipe(set, fold):
    with pytest.raises(
        ConfigError, match=rf"stands for set busi, fold 0.*gated\.py --set {set or 'busi'} --fold {fold or 0}"
    ):
        read_recipe(ALIAS, set, fold)


def test_an_alias_of_ones_own_gives_its_parameters(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(f"_base_ = {str(GATED)!r}\nalias = dict(set='busbra', fold=2)\n")
    cfg = read_recipe(path)
    assert places(cfg) == ("data/busbra", 2, 2, "work_dirs/transunet_busbra_fold2/best.pth")
    assert run_name(cfg) == "mine"


def test_a_set_of_ones_own_is_a_file_anywhere(tmp_path):
    path = tmp_path / "clinic.py"
    path.write_text("set_name = 'clinic'\ndata_root = '/images/clinic'\nsets = {set_name: data_root}\n")
    for recipe, name in (
        (GATED, "gated"),
        (HYBRID, "sam_hybrid"),
        (ROOT / "configs/ablations/gates/gate_gamma_2.py", "gate_gamma_2"),
    ):
        cfg = read_recipe(recipe, path, 1)
        assert cfg.train_dataloader.dataset.data_root == "/images/clinic"
        assert run_name(cfg) == f"{name}_clinic_fold1"


def test_a_copied_set_file_must_state_its_own_name(tmp_path):
    path = tmp_path / "clinic.py"
    path.write_text((ROOT / "configs/_base_/datasets/busi.py").read_text())
    with pytest.raises(ConfigError, match=r"clinic.py was asked for, but the config has set_name 'busi'"):
        read_recipe(GATED, path)


def test_an_ablation_outside_finds_the_shipped_sets(tmp_path):
    path = tmp_path / "narrow.py"
    path.write_text(f"_base_ = {str(GATED)!r}\nmodel = dict(gate=dict(gate_max=0.1))\n")
    cfg = read_recipe(path, "bus", 4)
    assert places(cfg) == ("data/bus", 4, 4, "work_dirs/transunet_bus_fold4/best.pth")
    assert run_name(cfg) == "narrow_bus_fold4"


@pytest.mark.parametrize(
    ("path", "set", "fold", "message"),
    [
        (GATED, "bussi", None, r"--set bussi: .* has no bussi.py; the sets are all, bus,"),
        (GATED, "nowhere/clinic.py", None, r"--set nowhere/clinic.py: there is no such file"),
        (GATED, None, "x", r"--fold x: a fold is a number from 0 on, or 'all'"),
        (GATED, None, -1, r"--fold -1: a fold is a number"),
        (GATED, None, "all", r"--fold all is for recipes of phase 2"),
        (GATED, None, "³", r"a fold is a number"),
        (GATED, "all", None, r"(gated|ultrarefiner).py can't be read for set all: .*only recipes of phase 2 take it"),
        (
            ROOT / "configs/quickstart/phase1.py",
            "busbra",
            None,
            r"phase1.py takes the sets busi, phantoms, but --set is busbra",
        ),
        (ROOT / "configs/quickstart/gated.py", "own", None, r"takes the sets busi, phantoms, but --set is own"),
        (ROOT / "configs/_base_/default_runtime.py", "busi", None, r"is no recipe that takes a set"),
        (ROOT / "configs/_base_/default_runtime.py", None, 1, r"is no recipe that takes a fold"),
    ],
)
def test_what_is_refused(path, set, fold, message):
    with pytest.raises(ConfigError, match=message):
        read_recipe(path, set, fold)


def test_bases_are_found_with_their_variables(monkeypatch):
    monkeypatch.setenv("ULTRAREF_SET", "bus_uclm")
    assert ROOT / "configs/_base_/datasets/bus_uclm.py" in bases_of(ROOT / "configs/phase1/transunet.py")
    assert bases_of(GATED) == [ROOT / "configs/phase3/ultrarefiner.py"]
    assert find_set_file("busi", GATED) == ROOT / "configs/_base_/datasets/busi.py"


def test_configs_that_inherit_each_other_are_named_in_one_line(tmp_path):
    for name, base in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.py").write_text(f"_base_ = './{base}.py'\n")
    with pytest.raises(ConfigError) as error:
        read_recipe(tmp_path / "a.py")
    circle = " > ".join(str(tmp_path / f"{name}.py") for name in "abca")
    assert f"a config inherits itself, {circle}. Take" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "from mmengine.config import read_base\nwith read_base():\n    from .a import *\n",
        "from mmengine.config import read_base as base\nwith base():\n    from .a import *\n",
        "import mmengine.config\nwith mmengine.config.read_base():\n    from .a import *\n",
    ],
)
def test_a_lazy_config_is_said_not_to_be_read(tmp_path, text):
    (tmp_path / "lazy.py").write_text(text)
    (tmp_path / "above.py").write_text("_base_ = 'lazy.py'\n")
    for name in ("lazy.py", "above.py"):
        with pytest.raises(ConfigError, match=r"lazy\.py is a lazy config"):
            read_recipe(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = 1  # \u00e4".encode("utf-16"), "is UTF-16, not UTF-8"),
        ("x = 1  # \u00e4".encode("latin-1"), "isn't UTF-8"),
        (b"x = 1\0", "null bytes"),
        (b"x = 1 / 0", r"ZeroDivisionError: division by zero \(.*broken\.py, line 1\)"),
        (b"raise RuntimeError('two\\nlines')", r"RuntimeError: two lines \(.*broken\.py, line 1\)"),
        (b"_base_ = [1, 2]", r"_base_ is \[1, 2\]; it is the path"),
        (b"_base_ = 'gone.py'", "inherits a file that does not exist"),
        (b"_base_ = ['one.py', 'two.py']", "Duplicate key"),
        (b"_base_ = __import__('os').sep", "does not exist"),
        (b"x = (", "SyntaxError"),
    ],
)
def test_a_config_that_cannot_be_read_is_one_line(tmp_path, content, message):
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        read_recipe(tmp_path / "broken.py")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 700


def test_a_set_outside_is_named_by_its_path_wherever_it_is_read_again(tmp_path):
    path = tmp_path / "clinic.py"
    path.write_text("set_name = 'clinic'\ndata_root = '/images/clinic'\nsets = {set_name: data_root}\n")
    cfg = read_recipe(ROOT / "configs/phase3/ultrarefiner.py", path, 1)
    assert parameters_of(cfg) == (str(path), "1")
    assert places(read_recipe(ROOT / "configs/phase3/ultrarefiner.py", *parameters_of(cfg))) == places(cfg)
    command = cfg.made_by["work_dirs/transunet_clinic_fold1/best.pth"]
    assert command == f"python tools/train.py configs/phase1/transunet.py --set {path} --fold 1"
    # And by the text that `print_config` makes of it.
    assert "/images/clinic" in format_config(cfg, "data_root")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alias = dict(set='busi')", "states a set and a fold"),
        ("alias = dict(set='busi', fld=0)", "states a set and a fold"),
        ("model = dict(", "can't be read: SyntaxError"),
        ("model = dict(x=undefined)", "can't be read: NameError: name 'undefined'"),
        ("model = dict(x=_base_.nothing)", "can't be read: AttributeError"),
    ],
)
def test_mistakes_in_a_file_are_named(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(f"_base_ = {str(GATED)!r}\n{text}\n")
    with pytest.raises(ConfigError, match=rf"mine\.py.*{message}"):
        read_recipe(path)
