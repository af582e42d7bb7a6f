"""From a config file to a checked config: names of parts, where predictions go, options."""

import argparse
from pathlib import Path

import pytest

from ultraref.apis import load_config
from ultraref.cli.config_arguments import add_config_arguments, config_from
from ultraref.engine.config_check import ConfigError

ROOT = Path(__file__).parents[2]


def write(folder, base, text):
    path = folder / "mine.py"
    path.write_text(f"_base_ = {str(ROOT / 'configs' / base)!r}\n{text}\n")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "model = dict(refiner=dict(prompts=dict(bx=None)))",
            r"prompts\.bx is None.*did you mean box\?.*box, mask, points",
        ),
        ("model = dict(refiner=dict(prob_transforms=dict(flor=None)))", r"prob_transforms\.flor is None.*floor"),
        ("model = dict(losses=dict(coarze=None))", r"losses\.coarze is None.*coarse"),
        ("default_hooks = dict(overlys=None)", r"default_hooks\.overlys is None.*overlays"),
        ("default_hooks = dict(unfreezing=dict(stages=dict(jont=None)))", r"stages\.jont is None.*joint"),
    ],
)
def test_leaving_out_what_is_not_there_is_refused(tmp_path, text, message):
    with pytest.raises(ConfigError, match=rf"(?s)mine\.py.*{message}"):
        load_config(write(tmp_path, "phase3/ultrarefiner.py", text))


def test_leaving_out_what_is_there_is_fine(tmp_path):
    text = "model = dict(refiner=dict(prompts=dict(points=None)))\ndefault_hooks = dict(overlays=None, timer=None)"
    cfg = load_config(write(tmp_path, "phase3/ultrarefiner.py", text))
    assert cfg.model.refiner.prompts.points is None


def test_predictions_are_named_after_the_recipe_that_makes_them(tmp_path):
    own = write(tmp_path, "phase1/transunet.py", "train_cfg = dict(max_epochs=3)")
    for path, expected in (
        (ROOT / "configs/phase1/transunet.py", "transunet_bus"),
        (ROOT / "configs/ablations/encoder/encoder_resnet34.py", "encoder_resnet34_bus"),
        (own, "mine_bus"),
    ):
        cfg = load_config(path, set="bus", fold=2)
        assert cfg.predictions_root == f"work_dirs/predictions/{expected}"
    alias = load_config(ROOT / "configs/phase1/transunet_busi_fold0.py")
    assert alias.predictions_root == "work_dirs/predictions/transunet_busi"
    # What phase 2 reads.
    stored = load_config(ROOT / "configs/phase2/sam_hybrid.py").train_dataloader.dataset.predictions
    assert stored == alias.predictions_root


def test_arguments_of_a_command(capsys):
    parser = argparse.ArgumentParser()
    add_config_arguments(parser)
    config = str(ROOT / "configs/phase3/gated.py")
    args = parser.parse_args([config, "--set", "bus", "--fold", "2", "--cfg-options", "model.gate.gate_max=0.25"])
    cfg = config_from(args)
    assert (cfg.set_name, cfg.fold, cfg.model.gate.gate_max) == ("bus", 2, 0.25)
    with pytest.raises(SystemExit):
        parser.parse_args([config, "--cfg-options", "model.gate"])
    assert "takes KEY=VALUE, but got 'model.gate'" in capsys.readouterr().err


def test_a_helper_variable_is_answered_with_the_places_of_its_value():
    with pytest.raises(ConfigError, match=r"phase1 is a helper variable.*itself: model\.coarse_source\.checkpoint"):
        load_config(ROOT / "configs/phase3/gated.py", {"phase1": "x.pth"})


def test_a_protocol_is_no_recipe():
    with pytest.raises(
        ConfigError, match=r"busi\.py is a protocol, no recipe; run it with python tools/run_protocol\.py"
    ):
        load_config("protocols/busi.py")
