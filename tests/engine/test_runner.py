"""The runner's own promises: strict loading, resuming, EMA in tests, tracebacks."""

import traceback
from pathlib import Path

import pytest
import torch
from engine_toys import toy_config
from mmengine.hooks import Hook

from ultraref.apis import train
from ultraref.checkpoint import load_checkpoint_file
from ultraref.engine.work_dir import checkpoint_to_resume
from ultraref.registry import RUNNERS


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The work dir of a finished run of two epochs."""
    from ultraref.engine import UltraRunner

    work_dir = tmp_path_factory.mktemp("trained")
    UltraRunner.from_cfg(toy_config(work_dir, epochs=2, experiment_name="engine_test_trained")).train()
    return work_dir


def test_checkpoint_loads_with_weights_only(trained):
    checkpoint = torch.load(trained / "last.pth", weights_only=True)
    assert checkpoint["meta"]["epoch"] == 2
    assert checkpoint["meta"]["iter"] == 6
    assert checkpoint["meta"]["seed"] == 3
    losses = checkpoint["message_hub"]["log_scalars"]["train/loss"]
    assert losses["values"].shape == losses["counts"].shape == (6,)
    assert list(checkpoint["state_dict"]) == list(torch.load(trained / "best.pth", weights_only=True)["state_dict"])
    assert not list(trained.glob(".*tmp"))


def test_test_loads_all_weights_without_touching_the_training_data(trained, tmp_path, make_runner):
    cfg = toy_config(tmp_path, load_from=str(trained / "best.pth"))
    cfg.train_dataloader.dataset.type = "NoSuchDataset"
    runner = make_runner(cfg)
    metrics = runner.test()
    assert set(metrics) == {"score"}
    weights = torch.load(trained / "best.pth", weights_only=True)["state_dict"]
    assert all(torch.equal(value, weights[name]) for name, value in runner.model.state_dict().items())


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"type": "ToyModel", "width": 6}, "of another shape: "),
        ({"type": "ToyModel", "width": 8, "extra": True}, "1 missing in the file: extra.weight"),
        ({"type": "ToyModel", "width": 8, "less": True}, "2 in the file but not in the model: refiner.2.weight"),
    ],
)
def test_load_from_is_strict(trained, tmp_path, make_runner, model, expected):
    extra, less = model.pop("extra", False), model.pop("less", False)
    runner = make_runner(toy_config(tmp_path, model=model, load_from=str(trained / "best.pth")))
    if extra:
        runner.model.extra = torch.nn.Linear(1, 1, bias=False)
    if less:
        runner.model.refiner = runner.model.refiner[:2]
    with pytest.raises(ValueError, match=r"does not fit the model ToyModel") as error:
        runner.test()
    assert expected in str(error.value)
    assert "best.pth" in str(error.value)


def test_resume_without_a_checkpoint_starts_from_the_beginning(tmp_path, make_runner):
    assert checkpoint_to_resume(tmp_path) is None
    runner = make_runner(toy_config(tmp_path, epochs=1, resume=True))
    runner.train()
    assert (runner.epoch, runner.iter) == (1, 3)
    assert checkpoint_to_resume(tmp_path) == tmp_path / "last.pth"
    assert checkpoint_to_resume(tmp_path, resume=False) is None
    assert checkpoint_to_resume(tmp_path, resume="other.pth") == Path("other.pth")


def test_resume_with_load_from_takes_last_pth_if_there_is_one(trained, tmp_path, make_runner):
    """So that the same command line starts a run and continues it."""
    loaded = torch.load(trained / "best.pth", weights_only=True)["state_dict"]
    runner = make_runner(toy_config(tmp_path, epochs=1, resume=True, load_from=str(trained / "best.pth")))
    runner.load_or_resume()
    assert all(torch.equal(value, loaded[name]) for name, value in runner.model.state_dict().items())
    runner.train()
    runner = make_runner(toy_config(tmp_path, epochs=2, resume=True, load_from=str(trained / "best.pth")))
    runner.train()
    assert len(runner.message_hub.get_scalar("train/loss").data[0]) == 6


def test_resume_from_a_path(trained, tmp_path, make_runner):
    runner = make_runner(toy_config(tmp_path, epochs=3, resume=str(trained / "last.pth")))
    runner.train()
    values = torch.load(tmp_path / "last.pth", weights_only=True)["message_hub"]["log_scalars"]["train/loss"]["values"]
    assert len(values) == 9
    assert runner.message_hub.get_scalar("train/loss").current() == values[-1]


def test_resume_refuses_another_seed(trained, tmp_path, make_runner):
    cfg = toy_config(tmp_path, resume=str(trained / "last.pth"), randomness={"seed": 5})
    with pytest.raises(ValueError, match=r"randomness.seed: 3 in the checkpoint, 5 now"):
        make_runner(cfg).train()


def test_resume_refuses_bare_weights(trained, tmp_path, make_runner):
    cfg = toy_config(tmp_path, resume=str(trained / "best.pth"))
    with pytest.raises(ValueError, match="holds weights only"):
        make_runner(cfg).train()


def test_test_after_train_uses_the_averaged_weights(tmp_path, make_runner):
    tested = {}

    class Spy(Hook):
        def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            tested.update({name: p.detach().clone() for name, p in runner.model.named_parameters()})

    runner = make_runner(toy_config(tmp_path, epochs=2, hooks=[{"type": "EMAHook", "momentum": 0.1}]))
    runner.register_hook(Spy())
    runner.train()
    raw = {name: p.detach().clone() for name, p in runner.model.named_parameters()}
    runner.test()
    averaged = torch.load(tmp_path / "last.pth", weights_only=True)["state_dict"]
    assert all(torch.equal(tested[name], averaged[name]) for name in tested)
    assert any(not torch.equal(tested[name], raw[name]) for name in tested)
    assert all(torch.equal(p, raw[name]) for name, p in runner.model.named_parameters())


def test_type_error_in_a_hook_keeps_its_traceback(tmp_path, make_runner):
    class Broken(Hook):
        def before_train(self, runner):
            self.helper()

        def helper(self):
            return len(5)

    runner = make_runner(toy_config(tmp_path))
    runner.register_hook(Broken())
    with pytest.raises(TypeError, match="has no len") as error:
        runner.train()
    assert "helper" in [frame.name for frame in traceback.extract_tb(error.value.__traceback__)]


def test_what_the_hub_cannot_save_is_left_out_with_a_warning(tmp_path, make_runner, capsys):
    class Talker(Hook):
        def before_train(self, runner):
            runner.message_hub.update_info("note", {"path": tmp_path, "array": torch.arange(2).numpy()})
            runner.message_hub.update_info("model", torch.nn.Linear(1, 1))

    runner = make_runner(toy_config(tmp_path, epochs=1))
    runner.register_hook(Talker())
    runner.train()
    info = torch.load(tmp_path / "last.pth", weights_only=True)["message_hub"]["runtime_info"]
    assert info["note"]["path"] == str(tmp_path)
    assert info["note"]["array"].tolist() == [0, 1]
    assert "model" not in info
    assert "message_hub['model'] is a torch.nn.modules.linear.Linear" in "".join(capsys.readouterr())


def test_a_config_that_names_no_runner_gets_this_one(tmp_path):
    from ultraref.engine import UltraRunner

    cfg = toy_config(tmp_path, epochs=1, experiment_name="engine_test_no_runner")
    cfg.default_scope = None
    assert "runner_type" not in cfg
    runner = train(cfg)
    assert type(runner) is UltraRunner
    # The loop that a signal stops between two iterations, and a checkpoint of this package.
    assert type(runner.train_loop).__name__ == "UltraTrainLoop"
    assert load_checkpoint_file(tmp_path / "last.pth")["meta"]["epoch"] == 1
    # What was given is not changed; what was built says what it is.
    assert "runner_type" not in cfg
    assert (runner.cfg.runner_type, runner.cfg.default_scope) == ("UltraRunner", "ultraref")


def test_a_runner_of_ones_own_is_taken(tmp_path):
    from mmengine.runner import Runner

    cfg = toy_config(tmp_path, runner_type="mmengine.Runner", experiment_name="engine_test_other_runner")
    assert type(RUNNERS.build(cfg)) is Runner
