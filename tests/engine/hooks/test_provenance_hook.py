"""What was trained on is written down and not evaluated on."""

import pytest
import torch
from engine_toys import ToyDataset, toy_config

from ultraref import provenance
from ultraref.engine.hooks.provenance_hook import image_hashes

TRAINED = sorted(ToyDataset(0, 12).image_hashes.values())
OTHERS = sorted(ToyDataset(50, 3).image_hashes.values())


def test_checkpoint_lists_the_training_images_and_those_of_the_parts(tmp_path, make_runner):
    runner = make_runner(toy_config(tmp_path, epochs=1))
    provenance.record_loaded(runner.model.coarse, "phase1/best.pth", OTHERS)
    runner.train()
    for name in ("best.pth", "last.pth"):
        assert torch.load(tmp_path / name, weights_only=True)["meta"]["trained_on"] == sorted(TRAINED + OTHERS)
    # What a loaded checkpoint was trained on is handed on to the next one.
    runner = make_runner(toy_config(tmp_path / "next", epochs=1, load_from=str(tmp_path / "best.pth")))
    runner.train()
    trained_on = torch.load(tmp_path / "next" / "best.pth", weights_only=True)["meta"]["trained_on"]
    assert trained_on == sorted(TRAINED + OTHERS)


def overlap_config(work_dir, **hook):
    """Validates on images 8 to 13, of which 8 to 11 are trained on."""
    cfg = toy_config(work_dir, epochs=1)
    cfg.val_dataloader.dataset.first = 8
    cfg.custom_hooks = [{"type": "ReseedHook"}, {"type": "ProvenanceHook", **hook}]
    return cfg


def test_validation_on_training_images_is_refused_before_the_first_epoch(tmp_path, make_runner):
    runner = make_runner(overlap_config(tmp_path))
    with pytest.raises(ValueError, match=r"4 of 6 validation images were trained on") as error:
        runner.train()
    assert "the training data of this run: image10, image11, image8, image9" in str(error.value)
    assert "allow_seen=True" in str(error.value)
    assert runner.iter == 0


def test_allowed_overlap_is_marked(tmp_path, make_runner, capsys):
    runner = make_runner(overlap_config(tmp_path, allow_seen=True))
    runner.train()
    assert runner.message_hub.get_scalar("val/seen").current() == pytest.approx(4 / 6)
    printed = "".join(capsys.readouterr())
    assert printed.count("4 of 6 validation images were trained on") == 1


def test_test_on_images_that_a_part_has_seen_names_its_checkpoint(tmp_path, make_runner):
    make_runner(toy_config(tmp_path, epochs=1)).train()
    cfg = toy_config(tmp_path, load_from=str(tmp_path / "best.pth"))
    cfg.test_dataloader.dataset.first = 11
    with pytest.raises(ValueError, match=r"1 of 6 test images were trained on:\n .*best.pth: image11"):
        make_runner(cfg).test()


def test_unseen_test_images_pass_without_a_mark(tmp_path, make_runner):
    make_runner(toy_config(tmp_path, epochs=1)).train()
    assert set(make_runner(toy_config(tmp_path, load_from=str(tmp_path / "best.pth"))).test()) == {"score"}


def test_hashes_of_concatenated_data_sets_keep_equal_names_apart():
    class Part:
        def __init__(self, digest):
            self.image_hashes = {"case1": digest}

    class Both:
        datasets = [Part("a"), Part("b")]

    assert sorted(image_hashes(Both()).values()) == ["a", "b"]


def test_a_data_set_that_tells_nothing_is_not_checked():
    assert image_hashes(object()) == {}
