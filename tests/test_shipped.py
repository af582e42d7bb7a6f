"""How the name of a shipped recipe finds it, from any folder, and how a config of one's own inherits from one."""

from pathlib import Path

import pytest

from ultraref.apis import load_config
from ultraref.apis.print_config import format_config
from ultraref.engine.config_check import ConfigError
from ultraref.engine.recipe import bases_of, read_recipe
from ultraref.errors import MissingFileError
from ultraref.shipped import find_recipe, resolve_base, shipped_configs, shown

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
FOLDERS = sorted(f"{folder.name}/" for folder in CONFIGS.iterdir() if folder.name[0] not in "_.")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A folder that has nothing to do with the repository."""
    for name in ("ULTRAREF_SET", "ULTRAREF_FOLD", "ULTRAREF_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_name_finds_a_shipped_recipe_with_and_without_the_folder():
    assert shipped_configs() == CONFIGS
    for name in ("phase3/gated.py", "configs/phase3/gated.py", "./configs/phase3/gated.py"):
        assert find_recipe(name) == CONFIGS / "phase3/gated.py"
    assert load_config("phase3/gated_busi_fold0.py").work_dir == "work_dirs/gated_busi_fold0"


def test_a_file_of_ones_own_comes_first(elsewhere):
    for name in ("phase3/gated.py", "configs/phase3/gated.py"):
        own = elsewhere / name
        own.parent.mkdir(parents=True)
        own.write_text("_base_ = 'ultraref::phase3/ultrarefiner.py'\n")
        assert find_recipe(name).resolve() == own
    # Through the prefix the shipped one is reached all the same.
    assert resolve_base("ultraref::phase3/gated.py", elsewhere) == CONFIGS / "phase3/gated.py"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("phase3/gatd.py", "did you mean phase3/gated.py"),
        ("configs/phase3/gatd.py", "did you mean phase3/gated.py"),
        ("gated.py", "did you mean phase3/gated.py or quickstart/gated.py"),
        ("phase3/gated", "did you mean phase3/gated.py"),
        ("/nowhere/configs/phase1/transunet_bussi_fold0.py", "did you mean phase1/transunet_busi_fold0.py"),
        (
            "xyzzy.py",
            f"the shipped ones are in {', '.join(FOLDERS)}",
        ),
        # Only the folder of the recipes is looked into.
        ("phase3/../../setup.cfg", "the shipped ones are in"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, advice):
    with pytest.raises(MissingFileError) as error:
        find_recipe(name)
    assert str(error.value).startswith(f"config {name} does not exist")
    assert advice in str(error.value)
    assert "\n" not in str(error.value)


def test_a_config_inherits_from_a_shipped_one(elsewhere):
    path = elsewhere / "narrow.py"
    path.write_text("_base_ = 'ultraref::phase3/gated.py'\nmodel = dict(gate=dict(gate_max=0.1))\n")
    assert bases_of(path) == [CONFIGS / "phase3/gated.py"]
    cfg = load_config("narrow.py", set="bus", fold=4)
    assert (cfg.model.gate.gate_max, cfg.model.gate.type) == (0.1, "UncertaintyGate")
    assert (cfg.train_dataloader.dataset.data_root, cfg.work_dir) == ("data/bus", "work_dirs/narrow_bus_fold4")
    lines = format_config(cfg, "model.gate").splitlines()
    origins = {line.partition(" ")[0]: line.rsplit("  ", 1)[1] for line in lines}
    assert origins["model.gate.gate_max"] == "narrow.py"
    # As one would type it.
    assert origins["model.gate.type"] == "phase3/gated.py"


def test_several_bases_some_of_them_shipped(elsewhere):
    (elsewhere / "own.py").write_text("extra = 3\n")
    path = elsewhere / "mine.py"
    path.write_text("_base_ = ['ultraref::_base_/datasets/{{$ULTRAREF_SET:busi}}.py', './own.py']\n")
    cfg = read_recipe(path, "bus_uc")
    assert (cfg.set_name, cfg.extra) == ("bus_uc", 3)


def test_a_set_beside_ones_own_config_is_found_by_name(elsewhere):
    folder = elsewhere / "_base_" / "datasets"
    folder.mkdir(parents=True)
    (folder / "clinic.py").write_text("set_name = 'clinic'\ndata_root = '/images'\nsets = {set_name: data_root}\n")
    path = elsewhere / "phase3" / "mine.py"
    path.parent.mkdir()
    path.write_text("_base_ = 'ultraref::phase3/gated.py'\n")
    assert read_recipe(path, "clinic", 1).train_dataloader.dataset.data_root == "/images"
    # The shipped sets are still there.
    assert read_recipe(path, "busbra", 1).train_dataloader.dataset.data_root == "data/busbra"


def test_an_unknown_base_is_answered_with_the_nearest(elsewhere):
    path = elsewhere / "mine.py"
    path.write_text("_base_ = 'ultraref::phase3/gatd.py'\n")
    with pytest.raises(ConfigError, match=r"mine.py .*ultraref::phase3/gatd.py: .*did you mean ultraref::phase3/gated"):
        load_config(path)
    (elsewhere / "part.py").write_text("_base_ = 'ultraref::_base_/model/unet.py'\n")
    with pytest.raises(ConfigError, match=r"did you mean ultraref::_base_/models/unet.py"):
        load_config(elsewhere / "part.py")


def test_an_alias_names_the_recipe_as_it_is_typed_here():
    with pytest.raises(ValueError, match=r"take the recipe itself: phase3/gated\.py --set busi --fold 1"):
        load_config("phase3/gated_busi_fold0.py", fold=1)


def test_files_are_shown_as_they_are_typed(elsewhere, monkeypatch):
    assert shown(CONFIGS / "phase3/gated.py") == "phase3/gated.py"
    assert shown(elsewhere / "mine.py") == "mine.py"
    monkeypatch.chdir(ROOT)
    assert shown(CONFIGS / "phase3/gated.py") == "configs/phase3/gated.py"
