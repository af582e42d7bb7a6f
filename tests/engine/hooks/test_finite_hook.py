"""A number that isn't finite stops a run before its weights change, or is skipped and counted."""

import math

import pytest
import torch
from engine_toys import ToyDataset, ToyModel, toy_config
from mmengine.hooks import Hook
from test_exact_resume import load

from ultraref.checkpoint import load_checkpoint_file
from ultraref.engine.hooks.finite_hook import FiniteHook, _all_finite
from ultraref.errors import UserError
from ultraref.registry import MODELS
from ultraref.structures import SegDataSample


@MODELS.register_module()
class BreakableModel(ToyModel):
    """The toy, whose loss or gradient is broken in one call, counted from 1, of its forward in training."""

    calls = 0

    def __init__(self, broken=(), how="loss", **kwargs):
        super().__init__(**kwargs)
        self.broken, self.how, self.seen = set(broken), how, 0

    def forward(self, inputs, targets, mode="tensor", data_samples=None):
        self.seen += mode == "loss"
        if mode == "loss" and self.how == "statistics" and self.seen in self.broken:
            inputs = [each * math.nan for each in inputs]
        output = super().forward(inputs, targets, mode)
        if mode != "loss":
            return output
        if self.seen in self.broken:
            if self.how == "loss":
                output["loss_extra"] = torch.tensor(math.inf)
            elif self.how == "nan":
                output["loss"] = output["loss"] * math.nan
            elif self.how == "gradient":
                # Finite itself, but not its derivative: sqrt at 0.
                output["loss"] = output["loss"] + (self.refiner[0].weight * 0).abs().sum().sqrt()
        return output


class Recorder(Hook):
    """Keeps the weights as they were before each iteration."""

    priority = "VERY_HIGH"

    def __init__(self):
        self.before = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.before.append({name: p.detach().clone() for name, p in runner.model.named_parameters()})


def run(make_runner, work_dir, broken, how, max_skipped=0, epochs=3, **overrides):
    cfg = toy_config(
        work_dir, epochs=epochs, model={"type": "BreakableModel", "broken": broken, "how": how}, **overrides
    )
    cfg.default_hooks.finite = {"type": "FiniteHook", "max_skipped": max_skipped}
    runner = make_runner(cfg)
    recorder = Recorder()
    runner.register_hook(recorder)
    return runner, recorder


@pytest.mark.parametrize("how", ["loss", "nan", "gradient"])
@pytest.mark.parametrize("clip", [None, {"max_norm": 1.0}])
def test_one_nan_gradient_stops_the_run_before_the_weights_change(tmp_path, make_runner, how, clip):
    optim_wrapper = {"optimizer": {"type": "AdamW", "lr": 0.01, "weight_decay": 0.1}, "clip_grad": clip}
    runner, recorder = run(make_runner, tmp_path, [5], how, optim_wrapper=optim_wrapper)
    with pytest.raises(UserError) as error:
        runner.train()
    text = str(error.value)
    kind = "the gradient" if how == "gradient" else "the loss"
    assert text.startswith(f"{kind} isn't finite at iteration 5, epoch 2.\n  losses: loss ")
    assert "learning rate: 0.00" in text
    assert str(tmp_path / "not_finite_iter5.pth") in text
    after = dict(runner.model.named_parameters())
    assert len(recorder.before) == 5
    assert all(torch.equal(after[name], value) for name, value in recorder.before[-1].items())
    # The checkpoint is that of the epoch before.
    assert load_checkpoint_file(tmp_path / "last.pth")["meta"]["epoch"] == 1
    saved = torch.load(tmp_path / "not_finite_iter5.pth", weights_only=True)
    assert len(saved["batches"][0]["inputs"]) == 4
    assert saved["iteration"] == 5


def test_a_run_without_the_hook_in_its_config_has_it(tmp_path, make_runner):
    cfg = toy_config(tmp_path, epochs=1, model={"type": "BreakableModel", "broken": [2], "how": "nan"})
    with pytest.raises(UserError, match="the loss isn't finite at iteration 2"):
        make_runner(cfg).train()


def test_skipped_steps_are_counted_and_change_nothing(tmp_path, make_runner):
    runner, recorder = run(make_runner, tmp_path, [2, 4], "nan", max_skipped=2)
    runner.train()
    for number, same in ((1, False), (2, True), (3, False), (4, True), (5, False)):
        one, other = recorder.before[number - 1], recorder.before[number]
        assert all(torch.equal(value, other[name]) for name, value in one.items()) == same
    assert load(tmp_path)["message_hub"]["runtime_info"]["skipped_steps"] == 2
    assert sorted(path.name for path in tmp_path.glob("not_finite*")) == [
        "not_finite_iter2.pth",
        "not_finite_iter4.pth",
    ]


def test_the_limit_of_skipped_steps_holds_over_a_resumed_run(tmp_path, make_runner):
    runner, _ = run(make_runner, tmp_path, [2], "nan", max_skipped=1, epochs=1)
    runner.train()
    runner, _ = run(make_runner, tmp_path, [2], "nan", max_skipped=1, epochs=2, resume=True)
    # The model's own options are the same run; its second call is iteration 5.
    with pytest.raises(UserError, match=r"(?s)iteration 5, epoch 2.*1 steps were skipped before"):
        runner.train()


def test_a_step_is_not_skipped_when_batch_norm_took_the_numbers(tmp_path, make_runner):
    runner, _ = run(make_runner, tmp_path, [2], "statistics", max_skipped=5)
    with pytest.raises(
        UserError, match=r"coarse\.1\.running_mean, coarse\.1\.running_var of the model took such numbers"
    ):
        runner.train()


def test_accumulated_gradients_name_every_batch_of_the_step(tmp_path, make_runner):
    optim_wrapper = {"optimizer": {"type": "SGD", "lr": 0.01}, "accumulative_counts": 3}
    runner, _ = run(make_runner, tmp_path, [2], "loss", optim_wrapper=optim_wrapper)
    with pytest.raises(UserError, match=r"iteration 3, epoch 1\.\n  losses: .*loss_extra \(2\) inf"):
        runner.train()
    assert len(torch.load(tmp_path / "not_finite_iter3.pth", weights_only=True)["batches"]) == 3


@pytest.mark.parametrize(
    ("how", "broken", "message"),
    [
        ("gradient", [2], None),
        ("gradient", range(1, 60), r"the gradient isn't finite at iteration 30"),
        ("nan", [2], r"the loss isn't finite at iteration 2"),
    ],
)
def test_a_loss_scaler_may_leave_out_steps_but_not_hide_a_loss(tmp_path, make_runner, how, broken, message):
    class Scale(Hook):
        def before_run(self, runner):
            # As float16 has it on a GPU.
            runner.optim_wrapper.scaler = torch.amp.GradScaler("cpu")

    optim_wrapper = {"type": "UltraAmpOptimWrapper", "optimizer": {"type": "SGD", "lr": 0.001}}
    runner, recorder = run(make_runner, tmp_path, list(broken), how, epochs=12, optim_wrapper=optim_wrapper)
    runner.register_hook(Scale())
    if message is None:
        runner.train()
        assert all(torch.equal(value, recorder.before[2][name]) for name, value in recorder.before[1].items())
        assert any(not torch.equal(value, recorder.before[3][name]) for name, value in recorder.before[2].items())
    else:
        with pytest.raises(UserError, match=message):
            runner.train()


def test_the_images_of_the_batch_are_named_and_saved_in_plain_types(tmp_path, make_runner, monkeypatch):
    plain = ToyDataset.__getitem__

    def named(self, key):
        sample = SegDataSample(metainfo={"name": f"image{key[1]}", "img_path": tmp_path / "x.png"})
        sample.set_pixels("gt_sem_seg", torch.ones(1, 2, 2, dtype=torch.uint8))
        return {**plain(self, key), "data_samples": sample}

    monkeypatch.setattr(ToyDataset, "__getitem__", named)
    runner, _ = run(make_runner, tmp_path, [1], "nan")
    with pytest.raises(UserError, match=r"images: image\d+, image\d+, image\d+, image\d+\n"):
        runner.train()
    sample = torch.load(tmp_path / "not_finite_iter1.pth", weights_only=True)["batches"][0]["data_samples"][0]
    assert sample["metainfo"]["name"].startswith("image")
    assert sample["gt_sem_seg"]["data"].sum() == 4


def test_best_is_never_saved_with_weights_that_are_not_finite(tmp_path, make_runner):
    class Poison(Hook):
        def before_val_epoch(self, runner):
            if runner.epoch == 2:
                with torch.no_grad():
                    runner.model.refiner[2].bias.fill_(math.nan)

        def after_val_epoch(self, runner, metrics=None):
            metrics["score"] = 10.0 * runner.epoch

    runner = make_runner(toy_config(tmp_path, epochs=3))
    runner.register_hook(Poison(), priority="VERY_HIGH")
    with pytest.raises(
        UserError, match=r"best\.pth isn't written, as 1 weights of the model aren't finite.*refiner\.2\.bias"
    ):
        runner.train()
    assert load_checkpoint_file(tmp_path / "best.pth")["meta"]["epoch"] == 1
    assert load_checkpoint_file(tmp_path / "last.pth")["meta"]["epoch"] == 1


def test_the_largest_magnitude_passes_on_what_is_not_finite_and_does_not_overflow():
    huge = torch.full((1000,), 3e38)
    assert _all_finite([huge, torch.ones(2, dtype=torch.bfloat16)]).item() == 1
    for bad in (math.nan, math.inf, -math.inf):
        tensor = torch.zeros(70000)
        tensor[69999] = bad
        assert _all_finite([huge, tensor]).item() == 0
    assert _all_finite([torch.zeros(0)]) is None


def test_bad_option():
    with pytest.raises(ValueError, match="max_skipped is -1"):
        FiniteHook(max_skipped=-1)
