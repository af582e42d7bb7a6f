"""Two gloo ranks without a GPU stay equal: over a stage boundary, in batch norm, and when one of them gets a signal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from engine_toys import toy_config
from test_exact_resume import differences, load


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each rank of a distributed run ended with, and its work dir."""
    work_dir = tmp_path_factory.mktemp("ddp")
    script = Path(__file__).with_name("ddp_worker.py")
    processes = []
    for rank in range(2):
        environment = {
            **os.environ,
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": "2",
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, str(script), str(work_dir)]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    outputs = [process.communicate(timeout=300)[0].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(outputs)
    return [torch.load(work_dir / f"rank{rank}.pt", weights_only=True) for rank in range(2)], work_dir


def test_all_weights_are_equal_on_both_ranks(ranks):
    (one, two), _ = ranks
    assert all(torch.equal(value, two["after"][name]) for name, value in one["after"].items())
    # Also those that were unfrozen after the model had been wrapped; and they did train.
    assert not torch.equal(one["after"]["coarse.0.weight"], one["before"]["coarse.0.weight"])


def test_batch_norm_statistics_are_equal_and_the_best_score_is_that_of_its_file(ranks, tmp_path, make_runner):
    (one, two), folder = ranks
    assert one["buffers"]["coarse.1.num_batches_tracked"] == 6
    assert all(torch.equal(value, two["buffers"][name]) for name, value in one["buffers"].items())
    best = torch.load(folder / "unbroken/best.pth", weights_only=True)["meta"]
    model = {"type": "ToyModel", "dropout": 0.0}
    metrics = make_runner(toy_config(tmp_path, model=model, load_from=str(folder / "unbroken/best.pth"))).val()
    assert metrics["score"] == pytest.approx(best["score"], abs=1e-6)


def test_a_signal_to_one_process_stops_all_after_the_same_step_exactly(ranks):
    (one, two), folder = ranks
    # Two batches make a step, and the signal came in the third.
    assert one["stopped_after"] == two["stopped_after"] == 4
    found = differences(load(folder / "unbroken"), load(folder / "stopped"))
    assert list(found) == []


def test_ranks_share_the_images_between_them(ranks):
    (one, two), _ = ranks
    assert sorted(one["indices"] + two["indices"]) == list(range(12))
    assert one["score"] == two["score"]


def test_weights_are_those_of_one_process_with_the_whole_batch(ranks, tmp_path, make_runner):
    """While batch norm is in eval mode: the batch is {rank 0's two, rank 1's two}, in the sampler's order."""
    (one, _), work_dir = ranks
    stages = {
        "refiner": {"train": ["refiner"]},
        "joint": {"epoch": 1, "train": ["refiner", "coarse.[01]"], "eval": ["coarse.*:BatchNorm*"]},
    }
    runner = make_runner(
        toy_config(
            tmp_path,
            epochs=2,
            hooks=[{"type": "ProgressiveUnfreezeHook", "stages": stages}],
            model={"type": "ToyModel", "dropout": 0.0},
            optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
        )
    )
    with torch.no_grad():
        for name, parameter in runner.model.named_parameters():
            parameter.copy_(one["before"][name])
    runner.train()
    for name, parameter in runner.model.named_parameters():
        torch.testing.assert_close(parameter.detach(), one["after"][name], rtol=1e-4, atol=1e-6)
    assert torch.load(work_dir / "last.pth", weights_only=True)["meta"]["epoch"] == 2


def test_shared_out_frozen_weights_train_to_the_same_run(ranks, tmp_path):
    (one, two), folder = ranks
    # Of 8 rows of 4 numbers each process has half.
    assert one["share"] == two["share"] == (4, 4)
    whole, sharded = load(folder / "whole"), load(folder / "sharded")
    assert list(differences(whole["state_dict"], sharded["state_dict"])) == []
    assert list(differences(whole["optimizer"], sharded["optimizer"])) == []
    assert whole["state_dict"]["coarse.0.weight"].shape == (8, 4)


def test_a_shared_out_image_encoder_has_the_gradients_of_a_whole_one(ranks):
    for rank in ranks[0]:
        whole, sharded = rank["gradients"]
        # Of two blocks.
        assert len(whole) == 4
        assert all(gradient.abs().max() > 0 for gradient in whole.values())
        assert all(torch.equal(gradient, sharded[name]) for name, gradient in whole.items())
        # Of each block 32 x 96 + 96 of qkv, 32 x 32 + 32 of proj and 2 x 32 x 128 + 128 + 32 of the MLP are halved.
        assert rank["kept"][0] - rank["kept"][1] == 2 * (3168 + 1056 + 8352) // 2
