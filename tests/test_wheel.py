"""The wheel: what is in it, and that it works in an empty folder, without the clone.

It is built and installed with the setuptools of the tests' environment: nothing is downloaded.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = (
    "ultraref",
    "configs",
    "requirements",
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
)
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir")
# An installation in place has a finder or a path that leads to the clone; processes below are to do without.
SITE = f"""
import sys

sys.path[:] = [path for path in sys.path if path != {str(ROOT)!r}]
sys.meta_path[:] = [finder for finder in sys.meta_path if "Editable" not in getattr(finder, "__name__", "")]
"""


def pip(*arguments):
    done = subprocess.run([*PIP, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy: setuptools writes into the folder that it builds."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, source)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory, wheel):
    """A folder that the wheel is installed in."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--no-compile", "--target", folder, wheel)
    (folder / "sitecustomize.py").write_text(SITE)
    return folder


@pytest.fixture
def run(installed, tmp_path):
    """Runs a command of the installation in an empty folder."""
    (tmp_path / "empty").mkdir()
    dropped = ("ULTRAREF_DATA", "ULTRAREF_WEIGHTS", "ULTRAREF_SET", "ULTRAREF_FOLD")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    environment |= {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*command):
        return subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            text=True,
            cwd=tmp_path / "empty",
            env=environment,
            timeout=300,
        )

    return run


@pytest.fixture
def command(installed):
    """The script that pip makes of the entry point."""
    return str(installed / "bin" / "ultraref")


def test_the_wheel_holds_the_package_and_the_configs_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        assert "ultraref = ultraref.cli.main:main" in archive.read(entry_points).decode()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        headers = archive.read(metadata).decode().partition("\n\n")[0]
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "ultraref").rglob("*.py")}
    configs = {f"ultraref/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "configs").rglob("*.py")}
    page = {f"ultraref/apis/demo/viewer.{suffix}" for suffix in ("html", "css", "js")}
    page |= {f"ultraref/apis/report/report.{suffix}" for suffix in ("html", "css")}
    held = {name for name in names if ".dist-info/" not in name}
    assert held == modules | configs | page | {"ultraref/py.typed"}
    # MMEngine and MMCV require opencv-python; stating it here as well would keep nobody from taking the headless build.
    assert "opencv" not in headers
    for line in ("Name: ultraref", "Author: ", "Provides-Extra: tests", "Requires-Dist: torch>=", "Typing :: Typed"):
        assert line in headers


def test_the_installation_is_what_runs(run, installed):
    found = run("-c", "import ultraref; print(ultraref.__file__)")
    assert Path(found.stdout.strip()) == installed / "ultraref" / "__init__.py", found.stderr


def test_a_shipped_recipe_is_found_from_an_empty_folder(run, command):
    printed = run(command, "print-config", "phase3/gated_busi_fold0.py", "--only", "model.gate.gate_max")
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.split() == ["model.gate.gate_max", "=", "0.5", "phase3/gated.py"]


def test_components_are_listed(run):
    listed = run("-m", "ultraref", "list", "GATES")
    assert listed.returncode == 0, listed.stderr
    assert "UncertaintyGate(" in listed.stdout


def test_training_says_what_is_missing_and_writes_nothing(run, command, tmp_path):
    trained = run(command, "train", "phase3/gated_busi_fold0.py")
    assert trained.returncode == 2, trained.stderr
    assert "error: 3 missing inputs:" in trained.stderr
    for text in ("work_dirs/transunet_busi_fold0/best.pth", "weights/sam_vit_b_01ec64.pth", "data/busi/splits.json"):
        assert f"\n- {text} (" in trained.stderr
    for text in ("ultraref train configs/phase1/transunet.py", "ultraref weights get", "ultraref convert busi SRC"):
        assert f"\n    {text}" in trained.stderr
    assert not list((tmp_path / "empty").iterdir())


def test_a_config_of_ones_own_inherits_from_the_installed_recipes(run, tmp_path):
    (tmp_path / "empty" / "mine.py").write_text(
        "_base_ = 'ultraref::phase3/gated.py'\nmodel = dict(gate=dict(gamma=2.0))\n"
    )
    printed = run("-m", "ultraref", "print-config", "mine.py", "--set", "busbra", "--only", "model.gate")
    assert printed.returncode == 0, printed.stderr
    origins = {line.split(" = ")[0]: line.split()[-1] for line in printed.stdout.splitlines()}
    assert (origins["model.gate.gamma"], origins["model.gate.gate_max"]) == ("mine.py", "phase3/gated.py")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    """A tiny refinement model with random weights, exported."""
    import torch
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    from ultraref.apis.export import export
    from ultraref.registry import MODELS
    from ultraref.testing.tiny_models import tiny_refinement

    folder = tmp_path_factory.mktemp("model")
    steps = [dict(type="ResizeToModels", inputs=("coarse", "sam"), gt="sam"), dict(type="PackSegInputs")]
    cfg = Config(dict(model=tiny_refinement(), test_dataloader=dict(dataset=dict(pipeline=steps))))
    init_default_scope("ultraref")
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict(), meta={}), folder / "best.pth")
    return export(cfg, folder / "best.pth", "bundle", folder / "bundle")


def write_image_and_mask(folder: Path) -> None:
    """Writes images/a.png and masks/a.png."""
    import numpy as np
    from PIL import Image

    mask = np.zeros((48, 64), np.uint8)
    mask[10:30, 20:50] = 255
    for name, array in (("images", 255 - mask), ("masks", mask)):
        (folder / name).mkdir()
        Image.fromarray(array).save(folder / name / "a.png")


@pytest.mark.parametrize("words", [["predict"], ["refine", "--coarse", "masks"]])
def test_an_exported_model_predicts_and_refines_from_an_empty_folder(words, run, command, bundle, tmp_path):
    write_image_and_mask(tmp_path / "empty")
    name, *options = words
    done = run(command, name, str(bundle), "images", "--out", "out", "--save", "masks", "overlays", *options)
    assert done.returncode == 0, done.stderr
    assert "wrote 1 predictions to out" in done.stdout
    written = sorted(
        path.relative_to(tmp_path / "empty" / "out").as_posix() for path in (tmp_path / "empty").rglob("out/*/*")
    )
    assert written == ["masks/a.png", "overlays/a.png"]
    again = run(command, name, str(bundle), "images", "--out", "out", "--save", "masks", "overlays", *options)
    assert "wrote 0 predictions to out, 1 were there" in again.stdout, again.stderr


@pytest.mark.slow
def test_the_quick_start_and_a_test_run_from_an_empty_folder(installed, command, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    for words in (
        ["quickstart", "phantoms"],
        [
            "test",
            "quickstart/gated.py",
            "work_dirs/quickstart/phantoms_gated_fold0/best.pth",
            "--set",
            "phantoms",
            "--fold",
            "0",
        ],
    ):
        done = subprocess.run(
            [sys.executable, command, *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=1800,
        )
        assert done.returncode == 0, done.stderr[-3000:]
