"""What was trained on is written down and not evaluated on."""

import logging
from types import SimpleNamespace

import pytest
import torch
from engine_toys import ToyDataset, toy_config

from ultraref import provenance
from ultraref.datasets import LesionDataset
from ultraref.engine.hooks.provenance_hook import ProvenanceHook, weights_seen_of
from ultraref.engine.seen_copies import Copies
from ultraref.engine.seen_images import image_hashes

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


PRESUMED = {"seen": {"busi": {"state": "presumed", "evidence": "its parent has", "date": "2026-01-01"}}}
LINE = "busi: presumed seen by lite_medsam (its parent has)"


@pytest.fixture
def busi(monkeypatch):
    """The toy data set goes by BUSI's name."""
    monkeypatch.setattr(ToyDataset, "dataset_name", "busi", raising=False)


def test_published_weights_go_from_checkpoint_to_checkpoint(tmp_path, make_runner, busi):
    """As from phase 2 to phase 3 and to a test: what each loads it hands on."""
    runner = make_runner(toy_config(tmp_path, epochs=1))
    provenance.record_weights(runner.model.refiner, "lite_medsam", PRESUMED)
    runner.train()
    runner = make_runner(toy_config(tmp_path / "next", epochs=1, load_from=str(tmp_path / "best.pth")))
    runner.train()
    meta = torch.load(tmp_path / "next" / "best.pth", weights_only=True)["meta"]
    assert meta["profiles"] == {"lite_medsam": PRESUMED}
    runner = make_runner(toy_config(tmp_path / "test", load_from=str(tmp_path / "next" / "best.pth")))
    runner.test()
    assert weights_seen_of(runner.model, runner.test_dataloader.dataset) == {
        "busi": {"lite_medsam": PRESUMED["seen"]["busi"]}
    }


def test_what_weights_have_seen_is_a_warning_at_the_start_and_stands_above_the_table(
    tmp_path, make_runner, busi, capsys
):
    runner = make_runner(toy_config(tmp_path, epochs=2))
    provenance.record_weights(runner.model, "lite_medsam", PRESUMED)
    runner.train()
    assert "".join(capsys.readouterr()).count(LINE) == 1
    runner = make_runner(toy_config(tmp_path, load_from=str(tmp_path / "best.pth")))
    runner.test_evaluator.metrics[0].preface = ""
    runner.test()
    assert "".join(capsys.readouterr()).count(LINE) == 1
    assert runner.test_evaluator.metrics[0].preface == LINE


def test_weights_that_have_not_seen_a_set_are_no_warning(tmp_path, make_runner, busi, capsys):
    runner = make_runner(toy_config(tmp_path, epochs=1))
    unseen = {"seen": {"busi": {"state": "unseen", "evidence": "photographs", "date": ""}}}
    provenance.record_weights(runner.model, "sam_vit_b", unseen)
    runner.train()
    assert "sam_vit_b" not in "".join(capsys.readouterr())


def test_sets_of_a_concatenated_data_set_are_named_each(busi):
    class Both:
        datasets = [ToyDataset(), ToyDataset()]

    model = torch.nn.Linear(1, 1)
    provenance.record_unlisted(model, "own.pth", "not known")
    assert list(weights_seen_of(model, Both())) == ["busi"]
    assert weights_seen_of(model, Both())["busi"]["own.pth"]["state"] == "unknown"
    assert weights_seen_of(model, object()) == {}


@pytest.fixture
def two_sizes(phantom_root, larger_phantoms):
    return str(phantom_root), str(larger_phantoms)


class Trained:
    """As much of a runner as the hook looks at."""

    def __init__(self, model, train=None, test=None):
        self.model, self.logger = model, logging.getLogger("seen copies")
        self.train_dataloader, self.test_dataloader = (SimpleNamespace(dataset=each) for each in (train, test))
        self.val_loop, self.test_evaluator = None, SimpleNamespace(metrics=[])


def trained_on(dataset):
    """The meta of a checkpoint that was trained on a data set."""
    hook, checkpoint = ProvenanceHook(), {"meta": {}}
    runner = Trained(torch.nn.Linear(1, 1), train=dataset)
    hook.before_train(runner)
    hook.before_save_checkpoint(runner, checkpoint)
    return checkpoint["meta"]


def judge(meta, dataset, **hook):
    model = torch.nn.Linear(1, 1)
    provenance.record_checkpoint(model, "first.pth", meta)
    ProvenanceHook(**hook).before_test(Trained(model, test=dataset))
    return model


def test_copies_of_another_size_are_refused_and_named(two_sizes):
    meta = trained_on(LesionDataset(two_sizes[0], fold=None))
    (entry,) = meta["seen_images"]["sets"]
    assert entry["names"] == LesionDataset(two_sizes[0], fold=None).names
    large = LesionDataset(two_sizes[1], split="test")
    with pytest.raises(ValueError, match=r"first.pth: large/case\d+ \(a copy of phantoms/\w+\)"):
        judge(meta, large)
    judge(meta, large, allow_seen=True)


def test_one_split_needs_no_hashes(two_sizes, monkeypatch):
    """Training and testing on parts of one split reads no image before the checkpoint is written."""
    meta = trained_on(LesionDataset(two_sizes[0], fold=0))
    monkeypatch.setattr("ultraref.engine.seen_images.fingerprints_of", None)
    judge(meta, LesionDataset(two_sizes[0], split="test"))


def test_what_parts_have_seen_is_handed_on(two_sizes):
    meta = trained_on(LesionDataset(two_sizes[0], fold=0))
    hook, checkpoint = ProvenanceHook(), {"meta": {}}
    model = torch.nn.Linear(1, 1)
    provenance.record_checkpoint(model, "first.pth", meta)
    runner = Trained(model, train=LesionDataset(two_sizes[0], fold=0))
    hook.before_train(runner)
    hook.before_save_checkpoint(runner, checkpoint)
    assert checkpoint["meta"]["seen_images"] == meta["seen_images"]


def test_an_old_checkpoint_is_read_with_a_note(two_sizes, caplog):
    meta = trained_on(LesionDataset(two_sizes[0], fold=None))
    del meta["seen_images"]
    with caplog.at_level(logging.INFO, "seen copies"):
        judge(meta, LesionDataset(two_sizes[1], split="test"))
    assert "written by an older version" in caplog.text
    with pytest.raises(ValueError, match="were trained on"):
        judge(meta, LesionDataset(two_sizes[0], split="val", fold=0))


def test_damaged_hashes_are_refused(two_sizes):
    meta = trained_on(LesionDataset(two_sizes[0], fold=None))
    meta["seen_images"]["sets"][0]["hashes"] = "AAAA"
    with pytest.raises(ValueError, match=r"first.pth: .*get the checkpoint again"):
        judge(meta, LesionDataset(two_sizes[1], split="test"))


def test_the_search_is_made_once_a_run(two_sizes, monkeypatch):
    dataset, calls = LesionDataset(two_sizes[1], split="val", fold=0), []
    monkeypatch.setattr(
        "ultraref.engine.seen_images.find_copies",
        lambda *a: calls.append(a) or Copies({}, {"large/x": "a/b"}),
    )
    model = torch.nn.Linear(1, 1)
    provenance.record_checkpoint(model, "first.pth", trained_on(LesionDataset(two_sizes[0], fold=None)))
    runner, hook = Trained(model), ProvenanceHook()
    runner.val_dataloader = SimpleNamespace(dataset=dataset)
    for _ in range(3):
        hook.before_val(runner)
    assert len(calls) == 1
