"""The how-to pages run as they stand, from top to bottom, in a copy of what they use.

A Python block whose first line names a file (`# my_errors.py`) is written to it; other Python blocks are executed in one
namespace, and shell blocks in a shell. Commands that need data or a day are indented, not fenced.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mmengine.registry import init_default_scope

from ultraref.registry import MASK_ERRORS
from ultraref.version import __version__

ROOT = Path(__file__).parent.parent
PAGES = [
    "how-to/write-an-ablation",
    "how-to/run-a-protocol",
    "how-to/add-a-data-set",
    "how-to/write-a-mask-error",
    "explanation/configs",
]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILE_NAME = re.compile(r"# ([\w./-]+\.py)\n")
# Links to other pages and files: [text](target).
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")

# Names on the mapping page that are not this package's.
MMENGINE = {"TensorboardVisBackend"}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A folder with the configs and tools of the repository, in which new files do no harm."""
    for name in ("configs", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("ULTRAREF_DATA", raising=False)
    init_default_scope("ultraref")
    MASK_ERRORS.import_from_location()
    known = dict(MASK_ERRORS.module_dict)
    yield tmp_path
    MASK_ERRORS.module_dict.clear()
    MASK_ERRORS.module_dict.update(known)
    sys.modules.pop("my_errors", None)


@pytest.mark.parametrize("page", PAGES)
def test_page_runs(page, workspace):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    namespace = {"__name__": page}
    # The pages' `python` is the one that runs the tests, with the package as it is here.
    environment = dict(os.environ, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}", PYTHONPATH=str(ROOT))
    ran = 0
    for language, code in FENCE.findall(text):
        named = FILE_NAME.match(code)
        if language == "python" and named:
            file = workspace / named[1]
            assert not file.exists(), f"{page} would overwrite {named[1]}"
            file.write_text(code, encoding="utf-8")
        elif language == "python":
            exec(compile(code, f"{page}.md", "exec"), namespace)
            ran += 1
        elif language == "sh":
            subprocess.run(["bash", "-euc", code], check=True, cwd=workspace, env=environment, capture_output=True)
    assert ran


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_names_of_the_mapping_exist():
    """Classes, functions and files that docs/reference/mapping.md names as ours are in the repository."""
    text = (ROOT / "docs" / "reference" / "mapping.md").read_text(encoding="utf-8")
    tables, _, departures = text.partition("## Departures")
    rows = [line.strip("|").split(" | ") for line in tables.splitlines() if line.startswith("| ") and "---" not in line]
    ours = "\n".join([*(cell for row in rows for cell in row[1:]), departures])
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "ultraref").rglob("*.py"))
    for token in re.findall(r"`([^`]+)`", ours):
        path = re.match(r"(?:python )?((?:configs|tools|ultraref)/[\w./-]+)(?![\w{*])", token)
        if path and "{" not in token and "*" not in token:
            assert (ROOT / path[1]).exists(), f"mapping.md names {path[1]}"
        name = re.match(r"([A-Z]+[a-z]\w*|[A-Z]+)(?=[.(]|$)", token)
        if name and name[1] not in MMENGINE:
            assert re.search(rf"^(class {name[1]}\b|{name[1]} = )", source, re.MULTILINE), f"mapping.md names {name[1]}"


def test_the_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / target).resolve() for target in LINK.findall(index)}
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md")} - {(ROOT / "docs" / "README.md").resolve()}
    assert pages <= linked, f"not in docs/README.md: {sorted(page.name for page in pages - linked)}"
