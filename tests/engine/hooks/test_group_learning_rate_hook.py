"""Each named optimizer group has its learning rate in the log."""

from engine_toys import toy_config


def test_rates_of_all_groups_are_logged(tmp_path, make_runner):
    optim_wrapper = {
        "optimizer": {"type": "SGD", "lr": 0.1},
        "constructor": "GlobOptimWrapperConstructor",
        "paramwise_cfg": {"groups": {"refiner": {"lr": 0.01}, "coarse.*": {"lr": 0.02}}},
    }
    cfg = toy_config(tmp_path, epochs=1, hooks=[{"type": "GroupLearningRateHook"}], optim_wrapper=optim_wrapper)
    runner = make_runner(cfg)
    runner.train()
    assert runner.message_hub.get_scalar("train/refiner/lr").data[0].tolist() == [0.01] * 3
    assert runner.message_hub.get_scalar("train/coarse.*/lr").data[0].tolist() == [0.02] * 3


def test_groups_without_a_name_are_left_out(tmp_path, make_runner):
    runner = make_runner(toy_config(tmp_path, epochs=1, hooks=[{"type": "GroupLearningRateHook"}]))
    runner.train()
    assert [key for key in runner.message_hub.log_scalars if key.endswith("/lr")] == ["train/lr"]
