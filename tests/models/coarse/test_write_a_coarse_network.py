"""docs/how-to/write-a-coarse-network.md: its code runs as it stands, and the networks keep the contract."""

import re
from pathlib import Path

import pytest
import torch

from ultraref.registry import MODELS

PAGE = Path(__file__).parents[3] / "docs/how-to/write-a-coarse-network.md"


@pytest.fixture(scope="module")
def namespace():
    """Runs the page's Python blocks in order, and forgets the classes that they register."""
    names = {"__name__": "my_networks"}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        exec(compile(block, str(PAGE), "exec"), names)
    yield names
    for name in [name for name, kind in MODELS.module_dict.items() if kind.__module__ == "my_networks"]:
        del MODELS.module_dict[name]


@pytest.mark.parametrize("name", ["unet", "plain_unet", "sum_network", "whole"])
def test_network_of_the_page_keeps_the_contract(namespace, name):
    network = MODELS.build(namespace[name])
    logits = network(torch.rand(2, 1, 64, 32))
    assert logits.shape == (2, 2, 64, 32)
    logits.square().mean().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_every_config_of_the_page_is_tried(namespace):
    configs = {name for name, value in namespace.items() if isinstance(value, dict) and name != "__builtins__"}
    assert configs == {"unet", "plain_unet", "sum_network", "whole"}
