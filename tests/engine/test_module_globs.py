"""Patterns over the names of modules."""

import pytest
from torch import nn

from ultraref.engine.module_globs import is_below, select_modules, select_parameters


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.decoder = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1), nn.Sequential(nn.BatchNorm1d(1)))
        self.head = nn.Linear(1, 1)


@pytest.mark.parametrize(
    ("name", "glob", "expected"),
    [
        ("refiner.sam.weight", "refiner", True),
        ("refiner.sam.weight", "refiner.*", True),
        ("refiner.sam.weight", "refiner.sam", True),
        ("refiner.sam.weight", "*.weight", True),
        ("refiner.sam.weight", "sam", False),
        ("refiner_2.sam", "refiner", False),
        ("decoder.blocks.2.conv", "decoder.blocks.[23]", True),
        ("decoder.blocks.1.conv", "decoder.blocks.[23]", False),
        ("Refiner.weight", "refiner", False),
    ],
)
def test_is_below(name, glob, expected):
    assert is_below(name, glob) is expected


def test_select_parameters():
    assert select_parameters(Model(), ["head", "decoder.1"], "here") == {
        "head.weight",
        "head.bias",
        "decoder.1.weight",
        "decoder.1.bias",
    }


def test_select_modules_takes_what_is_within_and_can_ask_for_a_class():
    model = Model()
    assert set(select_modules(model, ["decoder.2"], "here")) == {model.decoder[2], model.decoder[2][0]}
    assert set(select_modules(model, ["*:BatchNorm*"], "here")) == {model.decoder[1], model.decoder[2][0]}
    assert select_modules(model, [], "here") == []


def test_a_module_without_parameters_gives_none():
    model = Model()
    model.gate = nn.Identity()
    assert select_parameters(model, ["gate"], "here") == set()


def test_nothing_found_gives_near_names():
    with pytest.raises(ValueError, match=r"stages.0: 'decodr.\*' matches no part of the model.*near it: decoder"):
        select_parameters(Model(), ["decodr.*"], "stages.0")
    with pytest.raises(ValueError, match=r"eval: 'head:BatchNorm1d' matches no module of the model; near it: head"):
        select_modules(Model(), ["head:BatchNorm1d"], "eval")
    with pytest.raises(ValueError, match="near it: decoder, head"):
        select_parameters(Model(), ["xyz"], "here")
