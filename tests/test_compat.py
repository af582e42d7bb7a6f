"""The work-arounds for third-party packages."""

import importlib
import importlib.util
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from ultraref import _compat
from ultraref.apis import load_config
from ultraref.engine.config_check import ConfigError

ROOT = Path(__file__).parent.parent


def test_packages_that_need_torchvision_can_be_imported():
    """After `import ultraref`, whatever the builds of torch and torchvision are."""
    for name in ("torchvision", "timm", "segment_anything", "mmengine.runner"):
        importlib.import_module(name)


def test_guard_declares_what_a_missing_library_leaves_out():
    """Run in a process of its own, in which torchvision's library can't be loaded."""
    code = (
        "import torch\n"
        "def fail(path): raise OSError('wrong build')\n"
        "torch.ops.load_library = fail\n"
        "from ultraref import _compat\n"
        "assert _compat.guard_torchvision()\n"
        "assert str(torch.ops.torchvision.nms.default._schema).startswith('torchvision::nms(Tensor dets')\n"
        "assert _compat.guard_torchvision(), 'a second call must not declare them again'\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr


def test_importing_the_package_imports_neither_torch_nor_mmengine():
    """And each work-around is there when its package is. Run in a process of its own, with the library of another build."""
    code = (
        "import sys\n"
        "import ultraref\n"
        "assert not {'torch', 'torchvision', 'mmengine', 'mmcv', 'cv2'} & set(sys.modules)\n"
        "import torch\n"
        "def fail(path): raise OSError('wrong build')\n"
        "torch.ops.load_library = fail\n"
        "from ultraref import _compat\n"
        "assert not _compat._LIBRARIES\n"
        "import torchvision\n"
        "assert _compat._LIBRARIES\n"
        "import timm\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("order", ["import ultraref, mmengine.config", "import mmengine.config, ultraref"])
def test_the_lookup_of_packages_is_mended_whichever_is_imported_first(order):
    code = (
        f"{order}\n"
        "import mmengine.config.config, mmengine.utils\n"
        "from mmengine.utils import package_utils\n"
        "for module in (mmengine.config.config, mmengine.utils, package_utils):\n"
        "    for name in ('is_installed', 'get_installed_path'):\n"
        "        assert 'pkg_resources' not in getattr(module, name).__code__.co_names, (module, name)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr


def test_guard_does_nothing_without_torchvision(monkeypatch):
    monkeypatch.setattr(_compat.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(_compat, "_LIBRARIES", [])
    assert _compat.guard_torchvision() is False


def add_distribution(folder, name, top_level):
    """Writes what pip leaves of an installed package."""
    info = folder / f"{name.replace('-', '_')}-2.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.1.0\n")
    (info / "top_level.txt").write_text(f"{top_level}\n")


def install(tmp_path, monkeypatch, *names):
    """Makes these the only packages that are installed."""
    for name in names:
        add_distribution(tmp_path, name, name.split("-")[0])
    monkeypatch.setattr(sys, "path", [str(tmp_path)])


@pytest.mark.parametrize(
    ("names", "folder"), [(("mmcv", "mmcv-lite"), "mmcv/"), (("mmengine", "onedl-mmengine"), "mmengine/")]
)
def test_packages_that_overwrite_each_other_are_explained_in_one_line(tmp_path, monkeypatch, names, folder):
    install(tmp_path, monkeypatch, *names)
    with pytest.warns(UserWarning, match=f"{names[0]} 2.1.0 and {names[1]} 2.1.0 are both installed") as warned:
        assert _compat.warn_of_clobbered_packages() == list(names)
    [warning] = warned
    text = str(warning.message)
    assert "\n" not in text
    assert f"pip uninstall {' '.join(names)}" in text
    assert folder in text


@pytest.mark.parametrize("name", ["mmcv", "mmcv-lite", "onedl-mmengine"])
def test_one_of_them_is_fine(tmp_path, monkeypatch, name):
    install(tmp_path, monkeypatch, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _compat.warn_of_clobbered_packages() == []


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ((), r"needs MMCV: pip install mmcv-lite, or a full mmcv .*never both"),
        (("mmcv",), r"needs OpenCV: pip install opencv-python-headless, or opencv-python; never both"),
    ],
)
def test_a_missing_package_is_explained_in_one_line(monkeypatch, there, message):
    monkeypatch.setattr(_compat.importlib.util, "find_spec", lambda name: name if name in there else None)
    with pytest.raises(ImportError, match=message) as error:
        _compat.require_packages()
    assert "\n" not in str(error.value)


def test_an_opencv_that_lacks_a_library_is_explained_by_the_command(tmp_path):
    """Run in a process of its own, with an OpenCV that fails as opencv-python does where there is no libGL."""
    (tmp_path / "cv2").mkdir()
    failure = "libGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2" / "__init__.py").write_text(f"raise ImportError({failure!r})\n")
    code = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from ultraref.cli.main import main\n"
        "sys.exit(main(['audit', 'nowhere']))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200, cwd=tmp_path)
    assert run.returncode == 2, run.stderr
    # Beside warnings, of two MMEngines say, it is one line.
    assert "Traceback" not in run.stderr
    line = run.stderr.splitlines()[-1]
    assert line.startswith("error: OpenCV can't be loaded: libGL.so.1")
    assert "pip uninstall -y opencv-python, then pip install opencv-python-headless" in line


def test_a_config_that_needs_another_missing_module_names_it(tmp_path):
    (tmp_path / "config.py").write_text("custom_imports = dict(imports=['no_such_module'])\n")
    with pytest.raises(ConfigError, match=r"No module named 'no_such_module'; a module must be importable"):
        load_config(tmp_path / "config.py")


def test_base_configs_of_other_packages_without_setuptools(tmp_path):
    """Run in a process of its own, in which neither setuptools nor pkg_resources can be imported, as from setuptools 82 on."""
    configs = tmp_path / "mmseg" / ".mim" / "configs" / "unet"
    configs.mkdir(parents=True)
    (tmp_path / "mmseg" / "__init__.py").touch()
    (configs / "base.py").write_text("size = 3\n")
    (tmp_path / "mmseg" / ".mim" / "model-index.yml").write_text("Import: []\n")
    add_distribution(tmp_path, "mmsegmentation", top_level="mmseg")
    (tmp_path / "config.py").write_text("_base_ = 'mmseg::unet/base.py'\n")
    code = (
        "import sys\n"
        "sys.modules['setuptools'] = sys.modules['pkg_resources'] = None\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "import ultraref\n"
        "from mmengine.config import Config\n"
        "from mmengine.hub import get_config\n"
        "from mmengine.runner import Runner\n"
        "from mmengine.utils import is_installed\n"
        "from mmengine.utils.dl_utils import collect_env\n"
        f"assert Config.fromfile({str(tmp_path / 'config.py')!r}).size == 3\n"
        "assert is_installed('numpy') and is_installed('mmsegmentation') and not is_installed('no_such_package')\n"
        "assert collect_env()['MMEngine']\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr


def test_the_folder_of_a_package():
    """By its name on the index as well, where that isn't the module's."""
    for package, module in (("numpy", "numpy"), ("pillow", "PIL"), ("segment-anything", "segment_anything")):
        folder = Path(importlib.util.find_spec(module).origin).parent
        assert _compat.get_installed_path(package) == str(folder)
    with pytest.raises(ModuleNotFoundError, match="no_such_package is not installed"):
        _compat.get_installed_path("no_such_package")


def test_a_namespace_package_has_no_folder(tmp_path, monkeypatch):
    (tmp_path / "namespace_only").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not _compat.is_installed("namespace_only")
    with pytest.raises(RuntimeError, match="namespace_only is a namespace package"):
        _compat.get_installed_path("namespace_only")


def test_the_list_of_work_arounds_names_files_that_there_are():
    named = re.findall(r"(?:ultraref|tests)/[\w/]+\.py", _compat.__doc__)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).is_file()] == []
