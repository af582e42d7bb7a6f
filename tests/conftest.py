"""Fixtures that tests of many parts share."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from ultraref.datasets.converters import convert, find_busi
from ultraref.testing.phantom_dataset import write_phantom_busi


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory) -> Path:
    """A folder that all pytest-xdist workers of one run share."""
    base = tmp_path_factory.getbasetemp()
    # A worker's own base is a folder in that of the run.
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def build_once(folder: Path, build) -> Path:
    """Calls `build(folder)` in the first process that asks for the folder; the others wait for it."""
    with FileLock(f"{folder}.lock"):
        done = folder.with_name(f"{folder.name}.done")
        if not done.exists():
            build(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def raw_phantoms(session_folder) -> Path:
    """30 phantoms in BUSI's published layout: 17 benign, 10 malignant, 3 normal. Read only."""
    return build_once(session_folder / "raw_phantoms", lambda folder: write_phantom_busi(folder, num=30, seed=0))


@pytest.fixture(scope="session")
def phantom_root(session_folder, raw_phantoms) -> Path:
    """`raw_phantoms` converted: 27 images, 5 of them for testing, the others in 5 folds. Read only."""
    return build_once(
        session_folder / "phantoms", lambda folder: convert(find_busi(raw_phantoms), folder, dataset="phantoms")
    )


@pytest.fixture(scope="session")
def busi_root() -> Path:
    """The folder of the published BUSI files."""
    folder = os.environ.get("ULTRAREF_BUSI")
    if not folder:
        pytest.skip(
            "needs the published BUSI files: set ULTRAREF_BUSI to the folder that holds benign/, malignant/, normal/"
        )
    return Path(folder)
