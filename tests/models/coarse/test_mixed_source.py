"""Samples that say whether the network's coarse probability is replaced."""

import numpy as np
import pytest
import torch
from torch import nn

from ultraref.datasets import stack_collate
from ultraref.engine.hooks import ProgressiveUnfreezeHook
from ultraref.errors import UserError
from ultraref.models.coarse import FromMixture, FromNetwork
from ultraref.registry import COARSE_SOURCES, DATASETS, MODELS

SIMULATED = 0.25


def flat_error(mask, rng, coarse_pixel):
    """An augmentor whose p is SIMULATED everywhere."""
    return np.full(mask.shape, SIMULATED, np.float32), {}


@pytest.fixture(autouse=True)
def network():
    """A network whose two logits are alike at the start: its p is 0.5 everywhere."""

    @MODELS.register_module(name="FlatNetwork", force=True)
    class FlatNetwork(nn.Module):
        image_size = 4

        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(()))

        def forward(self, image):
            return torch.cat([-self.scale * image, self.scale * image], dim=1)

    yield
    MODELS.module_dict.pop("FlatNetwork")


def source(**options):
    return COARSE_SOURCES.build({"type": "FromMixture", "network": {"type": "FlatNetwork"}, **options})


def batch(size=64, decision=None):
    """Samples of which those in `decision`, a (B,) bool tensor, are to be replaced; all by default."""
    return {
        "coarse_image": torch.ones(size, 1, 4, 4),
        "coarse_prob": torch.full((size, 1, 4, 4), SIMULATED),
        "coarse_from_sample": torch.ones(size, dtype=torch.bool) if decision is None else decision,
    }


def replaced(output):
    """Which samples carry the simulated p; each must be all simulated or all the network's."""
    flat = output.prob.flatten(1)
    simulated, own = (flat == SIMULATED).all(dim=1), (flat == 0.5).all(dim=1)
    assert (simulated ^ own).all()
    return simulated


def test_the_samples_say_which_of_them_are_replaced():
    mixture = source()
    for seed in range(3):
        decision = torch.rand(64, generator=torch.Generator().manual_seed(seed)) < 0.3
        torch.manual_seed(0)
        state = torch.get_rng_state()
        assert torch.equal(replaced(mixture(batch(decision=decision))), decision)
        assert torch.equal(torch.get_rng_state(), state)  # it draws nothing itself


def test_evaluation_is_the_networks():
    mixture = source().eval()
    assert not replaced(mixture(batch())).any()
    # An evaluation pipeline carries no simulated p.
    assert mixture({"coarse_image": torch.ones(2, 1, 4, 4)}).prob.shape == (2, 1, 4, 4)


def test_a_frozen_network_is_mixed_too():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.coarse_source, self.refiner = source(), nn.Linear(1, 1)

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
    mixture = source()
    output = mixture(batch())
    assert output.prob.grad_fn is None or torch.autograd.grad(output.prob.sum(), mixture.network.scale)[0] == 0
    # d/ds of the summed foreground logit s * 1 over 64 x 16 pixels.
    (slope,) = torch.autograd.grad(mixture(batch()).logits[:, 1].sum(), mixture.network.scale)
    assert slope == 64 * 16


def test_checkpoints_are_those_of_from_network():
    plain = FromNetwork({"type": "FlatNetwork"})
    assert isinstance(source(), FromNetwork)
    assert source().state_dict().keys() == plain.state_dict().keys()


def test_a_pipeline_feeds_it(phantom_root):
    mix = {"type": "HybridCoarse", "ratio": 0.5, "simulated": {"type": "SimulateCoarse", "augmentor": flat_error}}
    dataset = DATASETS.build(
        {
            "type": "LesionDataset",
            "data_root": str(phantom_root),
            "sizes": {"coarse": 8},
            "seed": 3,
            "pipeline": [
                {"type": "LoadImage"},
                {"type": "LoadLesionMask"},
                mix,
                {"type": "ResizeToModels", "inputs": ["coarse"], "gt": "coarse"},
                {"type": "PackSegInputs"},
            ],
        }
    )
    expected = [bool(np.random.default_rng([3, 0, i]).random() >= 0.5) for i in range(len(dataset))]
    assert len(set(expected)) == 2
    inputs = stack_collate([dataset[i] for i in range(len(dataset))])["inputs"]
    assert inputs["coarse_from_sample"].tolist() == expected
    inputs["coarse_image"] = torch.ones(len(dataset), 1, 8, 8)
    inputs["coarse_prob"] = inputs["coarse_prob"].round(decimals=5)  # of what resizing a constant left
    assert replaced(source()(inputs)).tolist() == expected


def test_errors():
    image = torch.ones(1, 1, 4, 4)
    for missing in ("coarse_prob", "coarse_from_sample"):
        with pytest.raises(UserError, match=f"no {missing}; add HybridCoarse"):
            source()({key: value for key, value in batch(1).items() if key != missing})
    with pytest.raises(ValueError, match=r"sizes\['coarse'\]"):
        source()({**batch(1), "coarse_image": image, "coarse_prob": torch.ones(1, 1, 8, 8)})
    assert FromMixture.__name__ in COARSE_SOURCES.module_dict
