"""`ultraref` and its sub-commands: what they import before they start, what they say, how they call each other."""

import subprocess
import sys
from pathlib import Path

import pytest

from ultraref.cli import commands
from ultraref.cli.commands import COMMANDS, by_tool, spell
from ultraref.cli.main import main, run_tool

ROOT = Path(__file__).parents[2]
TOOLS = sorted(
    path.relative_to(ROOT / "tools").with_suffix("").as_posix()
    for path in (ROOT / "tools").rglob("*.py")
    if path.parent.name != "benchmarks"
)
# What takes long to import.
SLOW = ("torch", "torchvision", "mmengine", "mmcv", "cv2", "timm", "numpy", "scipy", "rich", "matplotlib")
NAMES = sorted(name for name, _ in by_tool().values())


@pytest.fixture(autouse=True)
def _as_subcommands(monkeypatch):
    monkeypatch.setattr(commands, "as_tools", False)


def test_every_script_has_its_sub_command_and_no_parser_of_its_own():
    assert sorted(by_tool()) == TOOLS
    for tool in TOOLS:
        text = (ROOT / "tools" / f"{tool}.py").read_text()
        assert f'run_tool("{tool}")' in text
        assert "argparse" not in text
        assert len(text.splitlines()) < 10


def test_no_help_imports_what_takes_long():
    """Each in the same process, which must not have imported any of it at the end."""
    code = (
        "import io, sys\n"
        "from contextlib import redirect_stdout\n"
        "from ultraref.cli.main import main\n"
        f"for words in [[], ['convert'], ['analyse'], *(name.split() for name in {NAMES!r})]:\n"
        "    with redirect_stdout(io.StringIO()) as printed:\n"
        "        try:\n"
        "            main([*words, '--help'])\n"
        "        except SystemExit as end:\n"
        "            assert end.code == 0, words\n"
        "    assert printed.getvalue().startswith(' '.join(['usage: ultraref', *words])), printed.getvalue()\n"
        f"    found = set({SLOW!r}) & set(sys.modules)\n"
        "    assert not found, (words, found)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


def test_no_help_of_a_script_imports_what_takes_long():
    code = (
        "import io, runpy, sys\n"
        "from contextlib import redirect_stdout\n"
        f"for tool in {TOOLS!r}:\n"
        "    sys.argv = [tool, '--help']\n"
        "    with redirect_stdout(io.StringIO()) as printed:\n"
        "        try:\n"
        f"            runpy.run_path(f'{ROOT}/tools/{{tool}}.py', run_name='__main__')\n"
        "        except SystemExit as end:\n"
        "            assert end.code == 0, tool\n"
        "    assert 'usage: ' in printed.getvalue() and 'ultraref train' not in printed.getvalue()\n"
        f"    found = set({SLOW!r}) & set(sys.modules)\n"
        "    assert not found, (tool, found)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


def test_help_names_every_command(capsys):
    for words, names in (([], COMMANDS), (["convert"], COMMANDS["convert"].commands)):
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        printed = capsys.readouterr().out
        for name, command in names.items():
            assert f"    {name}" in printed
            assert " ".join(command.summary.split()[:2]) in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "there is no command 'trian'; did you mean train?"),
        (["convert", "buzi", "SRC", "DST"], "there is no command 'buzi'; did you mean busi?"),
        ([], "required: COMMAND"),
        (["convert"], "required: COMMAND"),
        (["train", "x.py", "--cfg-options", "lr"], "takes KEY=VALUE, but got 'lr'"),
    ],
)
def test_mistakes_in_the_command_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out.split()[0]) == (0, "ultraref")


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("python tools/train.py configs/phase1/unet.py --fold 1", "ultraref train configs/phase1/unet.py --fold 1"),
        ("write it with tools/audit_leakage.py", "write it with ultraref audit"),
        ("python tools/dataset_converters/bus_uc.py SRC DST", "ultraref convert bus-uc SRC DST"),
        ("python tools/dataset_converters/NAME.py SRC DST", "ultraref convert NAME SRC DST"),
        ("ULTRAREF_WEIGHTS='w' python tools/get_weights.py get x", "ULTRAREF_WEIGHTS='w' ultraref weights get x"),
        ("python tools/benchmarks/sam.py", "python tools/benchmarks/sam.py"),
    ],
)
def test_commands_are_called_as_the_user_types_them(text, typed, monkeypatch):
    assert spell(text) == typed
    monkeypatch.setattr(commands, "as_tools", True)
    assert spell(text) == text


def test_every_command_that_the_package_mentions_has_a_name_in_both_spellings():
    files = [*(ROOT / "ultraref").rglob("*.py"), *(ROOT / "configs").rglob("*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files if file.parent.name != "cli")
    assert "python tools/train.py" in text
    left = [line.strip() for line in spell(text).splitlines() if "python tools/" in line]
    # all.py of configs writes the name of a set into the command.
    assert [line for line in left if "{name}" not in line] == []


def test_errors_and_output_name_commands_as_they_were_called(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("ULTRAREF_DATA", "ULTRAREF_WEIGHTS", "ULTRAREF_SET", "ULTRAREF_FOLD"):
        monkeypatch.delenv(name, raising=False)
    arguments = ["phase3/gated_busi_fold0.py"]
    assert main(["train", *arguments]) == 2
    as_command = capsys.readouterr().err
    assert run_tool("train", arguments) == 2
    as_script = capsys.readouterr().err
    assert "ultraref convert busi SRC data/busi" in as_command
    assert "python tools/dataset_converters/busi.py SRC data/busi" in as_script
    assert "ultraref weights get sam_vit_b" in as_command
    assert "tools/" not in as_command
    assert not list(tmp_path.iterdir())


def test_phantoms_name_the_next_command(tmp_path, capsys):
    assert main(["phantoms", str(tmp_path / "raw"), "--num", "10", "--max-side", "64", "--jobs", "1"]) == 0
    assert f"next: ultraref convert busi {tmp_path / 'raw'} DST" in capsys.readouterr().out
