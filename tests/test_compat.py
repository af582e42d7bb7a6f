"""The work-arounds for third-party packages."""

import importlib
import subprocess
import sys
import warnings

import pytest

from ultraref import _compat


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


def test_guard_does_nothing_without_torchvision(monkeypatch):
    monkeypatch.setattr(_compat.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(_compat, "_LIBRARIES", [])
    assert _compat.guard_torchvision() is False


def install(tmp_path, monkeypatch, *names):
    for name in names:
        folder = tmp_path / f"{name.replace('-', '_')}-2.1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.1.0\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])


def test_two_mmcvs_are_explained(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "mmcv", "mmcv-lite")
    with pytest.warns(UserWarning, match="mmcv and mmcv-lite are both installed.*pip uninstall mmcv mmcv-lite"):
        assert _compat.warn_of_two_mmcvs()


@pytest.mark.parametrize("name", ["mmcv", "mmcv-lite"])
def test_one_mmcv_is_fine(tmp_path, monkeypatch, name):
    install(tmp_path, monkeypatch, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not _compat.warn_of_two_mmcvs()
