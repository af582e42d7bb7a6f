"""A checkpoint is resumed by the run that it comes from, and by no other."""

import numpy as np
import pytest
import torch
from engine_toys import ToyDataset, toy_config

from ultraref.engine.run_identity import RunIdentity, data_hash
from ultraref.errors import UserError


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The work dir of a run of one epoch."""
    from ultraref.engine import UltraRunner

    work_dir = tmp_path_factory.mktemp("identity")
    UltraRunner.from_cfg(toy_config(work_dir, epochs=1, experiment_name="engine_test_identity")).train()
    return work_dir


def changed(cfg, key, value):
    cfg.merge_from_dict({key: value})
    return cfg


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("optim_wrapper.optimizer.lr", 0.02, "optim_wrapper.optimizer.lr: 0.01 in the checkpoint, 0.02 now"),
        ("optim_wrapper.optimizer.type", "SGD", "optim_wrapper.optimizer.type: AdamW in the checkpoint, SGD now"),
        ("optim_wrapper.accumulative_counts", 2, "accumulative_counts: nothing in the checkpoint, 2 now"),
        ("train_dataloader.batch_size", 3, "train_dataloader.batch_size: 4 in the checkpoint, 3 now"),
        ("randomness.seed", 4, "randomness.seed: 3 in the checkpoint, 4 now"),
        ("model.dropout", 0.5, "model.dropout: nothing in the checkpoint, 0.5 now"),
        ("train_dataloader.dataset.first", 1, "data.train: "),
        ("param_scheduler.0.T_max", 20, "param_scheduler.0.T_max: 10 in the checkpoint, 20 now"),
    ],
)
def test_resume_lists_what_differs_and_refuses(trained, tmp_path, make_runner, key, value, line):
    cfg = changed(toy_config(tmp_path, epochs=1, resume=str(trained / "last.pth")), key, value)
    runner = make_runner(cfg)
    before = {name: tensor.clone() for name, tensor in runner.model.state_dict().items()}
    with pytest.raises(UserError, match="comes from another run than this one") as error:
        runner.train()
    assert line in str(error.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in runner.model.state_dict().items())


def test_another_number_of_processes_is_another_run():
    cfg = toy_config("somewhere")
    one, two = (RunIdentity.of(cfg, 3, processes, train=ToyDataset()) for processes in (1, 2))
    with pytest.raises(UserError, match="processes: 2 in the checkpoint, 1 now"):
        one.check_resumed(two.facts, "last.pth")


def test_fewer_epochs_are_another_run():
    three, four = (RunIdentity.of(toy_config("somewhere", epochs=epochs), 3, 1) for epochs in (3, 4))
    assert four.check_resumed(three.facts, "last.pth") is True
    assert three.check_resumed(three.facts, "last.pth") is False
    with pytest.raises(UserError, match=r"train_cfg\.max_epochs: 4 in the checkpoint, 3 now"):
        three.check_resumed(four.facts, "last.pth")


def test_what_changes_no_result_may_differ():
    cfg, other = toy_config("one"), toy_config("other", workers=2)
    other.merge_from_dict({"default_hooks.logger.interval": 7, "model.checkpoint": "weights.pth", "log_level": "INFO"})
    other.train_dataloader.dataset.data_root = "/moved/elsewhere"
    assert RunIdentity.of(cfg, 3, 1).facts == RunIdentity.of(other, 3, 1).facts


def test_the_hash_of_the_data_is_that_of_its_images_masks_and_predictions():
    class Masked(ToyDataset):
        mask_hashes = {"image0": "a"}

    class Predicted(ToyDataset):
        prediction_hashes = {"image0": "a"}

    class Joined:
        datasets = [ToyDataset(), Masked()]

    sets = [ToyDataset(), ToyDataset(first=1), ToyDataset(size=11), Masked(), Predicted(), Joined()]
    assert len({data_hash(dataset) for dataset in sets}) == len(sets)
    assert data_hash(ToyDataset(seed=5)) == data_hash(ToyDataset())


def test_a_checkpoint_that_does_not_say_is_compared_by_its_seed(trained, tmp_path, make_runner, capsys):
    content = torch.load(trained / "last.pth", weights_only=True)
    del content["format"], content["meta"]["run"]
    torch.save(content, tmp_path / "old.pth")
    make_runner(toy_config(tmp_path / "run", epochs=2, resume=str(tmp_path / "old.pth"))).train()
    assert "doesn't say what run it comes from" in "".join(capsys.readouterr())
    cfg = toy_config(tmp_path / "run", epochs=2, resume=str(tmp_path / "old.pth"), randomness={"seed": 5})
    with pytest.raises(UserError, match=r"randomness\.seed: 3 in the checkpoint, 5 now"):
        make_runner(cfg).train()


# Without `end` and `T_max` a schedule ends with the run.
COSINE = [{"type": "CosineAnnealingLR", "by_epoch": True, "convert_to_iter_based": True}]


def test_max_epochs_may_grow_and_the_schedules_are_rebuilt(tmp_path, make_runner):
    make_runner(toy_config(tmp_path, epochs=2, param_scheduler=COSINE)).train()
    for epochs in (4, 5):
        runner = make_runner(toy_config(tmp_path, epochs=epochs, param_scheduler=COSINE, resume=True))
        runner.train()
    rates = np.array(runner.message_hub.get_scalar("train/lr").data[0])
    # 3 iterations an epoch: the cosine of 6 iterations, then that of 12, then that of 15.
    cosines = [0.01 * (1 + np.cos(np.pi * np.arange(total) / total)) / 2 for total in (6, 12, 15)]
    np.testing.assert_allclose(rates, [*cosines[0], *cosines[1][6:], *cosines[2][12:]], rtol=1e-6)
