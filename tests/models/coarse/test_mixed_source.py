import pytest
import torch
from torch import nn

from ultraref.engine.hooks import ProgressiveUnfreezeHook
from ultraref.models.coarse import FromMixture, FromNetwork
from ultraref.registry import COARSE_SOURCES, MODELS

SIMULATED = 0.25


@pytest.fixture(autouse=True)
def network():
    """A network whose two logits are alike at the start: its p is 0.5 everywhere."""

    @MODELS.register_module(name="FlatNetwork", force=True)
    class FlatNetwork(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(()))

        def forward(self, image):
            return torch.cat([-self.scale * image, self.scale * image], dim=1)

    yield
    MODELS.module_dict.pop("FlatNetwork")


def source(**options):
    return COARSE_SOURCES.build({"type": "FromMixture", "network": {"type": "FlatNetwork"}, **options})


def batch(size=64):
    return {"coarse_image": torch.ones(size, 1, 4, 4), "coarse_prob": torch.full((size, 1, 4, 4), SIMULATED)}


def replaced(output):
    """Which samples carry the simulated p; each must be all simulated or all the network's."""
    flat = output.prob.flatten(1)
    simulated, own = (flat == SIMULATED).all(dim=1), (flat == 0.5).all(dim=1)
    assert (simulated ^ own).all()
    return simulated


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_ratio_is_the_share_of_whole_samples(ratio):
    torch.manual_seed(0)
    count = int(replaced(source(ratio=ratio)(batch(2000))).sum())
    # Four standard deviations of a binomial count.
    assert abs(count - 2000 * ratio) <= 4 * (2000 * ratio * (1 - ratio)) ** 0.5


def test_batches_differ_and_follow_torchs_seed():
    mixture = source(ratio=0.5)
    torch.manual_seed(1)
    first, second = replaced(mixture(batch())), replaced(mixture(batch()))
    torch.manual_seed(1)
    again = replaced(mixture(batch()))
    assert not torch.equal(first, second)
    assert torch.equal(first, again)


def test_evaluation_is_the_networks():
    mixture = source(ratio=1.0).eval()
    assert not replaced(mixture(batch())).any()
    # An evaluation pipeline carries no simulated p.
    assert mixture({"coarse_image": torch.ones(2, 1, 4, 4)}).prob.shape == (2, 1, 4, 4)


def test_a_frozen_network_is_mixed_too():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.coarse_source, self.refiner = source(ratio=1.0), nn.Linear(1, 1)

    class Runner:
        epoch = 0
        model = Model()

    # What the hook and the training loop do in a stage that trains the refiner alone.
    hook = ProgressiveUnfreezeHook({"refiner": {"epoch": 0, "train": ["refiner"]}})
    model = Runner.model
    trainable = dict(model.named_parameters())
    hook.stages[0].resolve(model, trainable)
    hook._evaluated = hook.stages[0].evaluated
    model.train()
    hook.before_train_iter(Runner, 0)
    assert not model.coarse_source.training
    assert replaced(model.coarse_source(batch())).all()
    model.eval()
    assert not replaced(model.coarse_source(batch())).any()


def test_gradients():
    mixture = source(ratio=1.0)
    output = mixture(batch())
    assert output.prob.grad_fn is None or torch.autograd.grad(output.prob.sum(), mixture.network.scale)[0] == 0
    # d/ds of the summed foreground logit s * 1 over 64 x 16 pixels.
    (slope,) = torch.autograd.grad(mixture(batch()).logits[:, 1].sum(), mixture.network.scale)
    assert slope == 64 * 16


def test_checkpoints_are_those_of_from_network():
    plain = FromNetwork({"type": "FlatNetwork"})
    assert isinstance(source(), FromNetwork)
    assert source().state_dict().keys() == plain.state_dict().keys()


def test_errors():
    with pytest.raises(ValueError, match="ratio"):
        source(ratio=1.5)
    with pytest.raises(KeyError, match="SimulateCoarse"):
        source()({"coarse_image": torch.ones(1, 1, 4, 4)})
    wrong = {"coarse_image": torch.ones(1, 1, 4, 4), "coarse_prob": torch.ones(1, 1, 8, 8)}
    with pytest.raises(ValueError, match="coarse_size"):
        source()(wrong)
    assert FromMixture.__name__ in COARSE_SOURCES.module_dict
