"""Mixed precision on the CPU, and on a GPU where there is one."""

import pytest
import torch
from engine_toys import toy_config
from torch import nn

from ultraref.engine import UltraAmpOptimWrapper


def make(model, **options):
    return UltraAmpOptimWrapper(optimizer=torch.optim.SGD(model.parameters(), lr=0.1), **options)


def test_forward_runs_in_bfloat16_and_weights_stay_float32():
    model = nn.Linear(3, 1)
    before = model.weight.detach().clone()
    wrapper = make(model)
    x = torch.tensor([[1.0, 2.0, 3.0]])
    with wrapper.optim_context(model):
        output = model(x)
    assert output.dtype == torch.bfloat16
    wrapper.update_params(output.float().sum())
    assert model.weight.dtype == torch.float32
    # The gradient of the sum of outputs is x, exact in bfloat16.
    torch.testing.assert_close(model.weight.detach(), before - 0.1 * x)


def test_a_run_trains_on_the_cpu(tmp_path, make_runner):
    optim_wrapper = {
        "type": "UltraAmpOptimWrapper",
        "optimizer": {"type": "AdamW", "lr": 0.01},
        "clip_grad": {"max_norm": 1},
    }
    cfg = toy_config(tmp_path, epochs=2, optim_wrapper=optim_wrapper)
    make_runner(cfg).train()
    runner = make_runner(toy_config(tmp_path, epochs=3, optim_wrapper=optim_wrapper, resume=True))
    runner.train()
    losses = runner.message_hub.get_scalar("train/loss").data[0]
    assert len(losses) == 9
    assert losses[-3:].mean() < losses[:3].mean()


@pytest.mark.parametrize("dtype", ["float16", "float64", "half"])
def test_dtypes_that_the_cpu_cannot_do(dtype):
    with pytest.raises(ValueError, match=rf"dtype is '{dtype}'; on a cpu device it may be 'bfloat16'"):
        make(nn.Linear(1, 1), dtype=dtype)


def test_bfloat16_needs_no_loss_scale():
    wrapper = make(nn.Linear(1, 1))
    assert not wrapper.scaler.is_enabled()
    wrapper.load_state_dict(wrapper.state_dict())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_float16_on_a_gpu_scales_the_loss_and_unscales_before_clipping():
    model = nn.Linear(3, 1).cuda()
    before = model.weight.detach().clone()
    wrapper = make(model, dtype="float16", clip_grad={"max_norm": 1e9})
    x = torch.tensor([[1.0, 2.0, 3.0]], device="cuda")
    with wrapper.optim_context(model):
        output = model(x)
    assert output.dtype == torch.float16
    wrapper.update_params(output.float().sum())
    torch.testing.assert_close(model.weight.detach(), before - 0.1 * x)
    assert "scale" in wrapper.state_dict()["scaler"]
