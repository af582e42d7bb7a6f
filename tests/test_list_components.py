"""tools/list_components.py and the text it prints."""

import runpy
import sys
from pathlib import Path

import pytest

from ultraref.engine.component_list import format_components
from ultraref.errors import UserError
from ultraref.registry import ALL_REGISTRIES

TOOL = Path(__file__).parents[1] / "tools" / "list_components.py"


def test_every_component_of_every_registry_is_listed_with_a_summary():
    text = format_components()
    for name, registry in ALL_REGISTRIES.items():
        assert f"{name} ({len(registry.module_dict)})" in text
        lines = format_components([name]).splitlines()
        for component in registry.module_dict:
            (line,) = [i for i, text_line in enumerate(lines) if text_line.startswith(f"  {component}(")]
            # Some line after the call and its continuation, before the next component, is the summary.
            rest = [text_line for text_line in lines[line + 1 :] if not text_line.startswith("      ")]
            assert rest, component
            assert rest[0].startswith("    "), component


def test_arguments_and_defaults_are_shown():
    text = format_components(["hooks"])
    assert "UltraCheckpointHook(interval=1, save_best=None, rule='greater')" in text
    assert "Saves" not in text.splitlines()[0]


def test_unknown_registry_names_those_there_are():
    with pytest.raises(UserError, match="there is no registry GATE; there are MODELS, COARSE_SOURCES"):
        format_components(["gate"])


def run_tool(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [str(TOOL), *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(TOOL), run_name="__main__")
    return end.value.code


def test_the_tool_prints_the_registries_that_it_is_asked_for(monkeypatch, capsys):
    assert run_tool(monkeypatch, "runners", "GATES") == 0
    printed = capsys.readouterr().out
    assert "RUNNERS (1)\n  UltraRunner(" in printed
    assert "GATES (" in printed
    assert "LOSSES" not in printed


def test_the_tool_refuses_unknown_registries(monkeypatch, capsys):
    assert run_tool(monkeypatch, "RUNNERS", "gate") == 2
    assert "there is no registry GATE" in capsys.readouterr().err
