import re
from pathlib import Path

import pytest
import torch

from ultraref.registry import GATES

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def registry():
    """Takes out of the registry what a test puts in, so that the page and the example can both register their gate."""
    GATES.import_from_location()
    before = dict(GATES.module_dict)
    yield GATES
    GATES.module_dict.clear()
    GATES.module_dict.update(before)


def code_blocks():
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/write-a-gate.md").read_text(), flags=re.DOTALL)


def test_the_pages_code_runs(registry):
    torch.manual_seed(0)
    namespace = {"__name__": "write_a_gate"}
    for block in code_blocks():
        exec(block, namespace)
    assert "EdgeGate" in registry.module_dict


def test_the_example_is_the_pages_first_block():
    example = (ROOT / "examples/custom_gate/my_gate.py").read_text()
    # Apart from the example's docstring on top.
    assert example.split('"""\n\n', 1)[1] == code_blocks()[0]
