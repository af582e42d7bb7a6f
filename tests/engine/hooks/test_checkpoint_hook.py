"""Stable names, the right epoch as best, and a best score that survives a resumed run."""

import pytest
import torch
from engine_toys import ToyMetric, toy_config
from mmengine.config import Config

from ultraref.engine import UltraCheckpointHook
from ultraref.errors import UserError


@pytest.fixture
def scripted_scores(monkeypatch):
    """Makes validation give these scores, one a call."""
    scores = []
    monkeypatch.setattr(ToyMetric, "compute_metrics", lambda self, results: {"score": scores.pop(0)})
    return scores


def read(path):
    return torch.load(path, weights_only=True)


def test_best_is_the_first_of_the_highest(tmp_path, make_runner, scripted_scores):
    scripted_scores += [0.5, 0.9, float("nan"), 0.9]
    make_runner(toy_config(tmp_path, epochs=4)).train()
    best, last = read(tmp_path / "best.pth"), read(tmp_path / "last.pth")
    assert best["meta"]["epoch"] == 2
    assert best["meta"]["metric"] == "score"
    assert best["meta"]["score"] == 0.9
    assert "optimizer" not in best
    assert last["meta"]["epoch"] == 4
    cfg = Config.fromstring(best["meta"]["cfg"], ".py")
    assert cfg.model.type == "ToyModel"
    assert sorted(p.name for p in tmp_path.glob("*.pth")) == ["best.pth", "last.pth", "previous.pth"]


def test_less_is_better_by_option(tmp_path, make_runner, scripted_scores):
    scripted_scores += [0.5, 0.2, 0.4]
    cfg = toy_config(tmp_path, epochs=3)
    cfg.default_hooks.checkpoint.rule = "less"
    make_runner(cfg).train()
    assert read(tmp_path / "best.pth")["meta"]["epoch"] == 2


def test_best_score_survives_a_resumed_run(tmp_path, make_runner, scripted_scores):
    scripted_scores += [0.5, 0.8]
    make_runner(toy_config(tmp_path, epochs=2)).train()
    scripted_scores += [0.7, 0.9]
    runner = make_runner(toy_config(tmp_path, epochs=3, resume=True))
    runner.train()
    assert read(tmp_path / "best.pth")["meta"]["epoch"] == 2
    assert runner.message_hub.get_info("best_score") == 0.8


def test_a_run_resumed_elsewhere_writes_a_best_there(tmp_path, make_runner, scripted_scores):
    scripted_scores += [0.5, 0.8]
    make_runner(toy_config(tmp_path / "one", epochs=2)).train()
    scripted_scores += [0.7]
    make_runner(toy_config(tmp_path / "two", epochs=3, resume=str(tmp_path / "one" / "last.pth"))).train()
    assert read(tmp_path / "two" / "best.pth")["meta"]["score"] == 0.7


def test_a_later_validation_by_itself_saves_nothing(tmp_path, make_runner, scripted_scores):
    scripted_scores += [0.5, 0.9]
    make_runner(toy_config(tmp_path, epochs=1)).train()
    make_runner(toy_config(tmp_path, load_from=str(tmp_path / "last.pth"))).val()
    assert read(tmp_path / "best.pth")["meta"]["score"] == 0.5


def test_interval_and_unvalidated_epochs(tmp_path, make_runner):
    saved = []
    cfg = toy_config(tmp_path, epochs=5)
    cfg.default_hooks.checkpoint = {"type": "UltraCheckpointHook", "interval": 2}
    cfg.train_cfg.val_interval = 3
    runner = make_runner(cfg)
    save = runner.save_checkpoint
    runner.save_checkpoint = lambda *args, **kwargs: (saved.append(kwargs["meta"]["epoch"]), save(*args, **kwargs))
    runner.train()
    # Every second epoch and the last; epochs 3 and 5 are validated, 2 and 4 are not.
    assert saved == [2, 4, 5]
    assert not (tmp_path / "best.pth").exists()


def test_unknown_metric_is_named(tmp_path, make_runner):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.default_hooks.checkpoint.save_best = "val_refined/dice"
    with pytest.raises(UserError, match=r"save_best is 'val_refined/dice', but validation gave score"):
        make_runner(cfg).train()


@pytest.mark.parametrize(
    ("options", "message"), [({"rule": "max"}, "rule is 'max'"), ({"interval": 0}, "interval is 0")]
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        UltraCheckpointHook(**options)
