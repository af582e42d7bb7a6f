"""Every work-around for a third-party package: its reason, the versions that need it, and its test.

Here, tested by tests/test_compat.py, applied by `import ultraref` (`install`), the first two when the package that they are
about is imported, as is the last, so that `ultraref --help` waits for none:
- `guard_torchvision`: torchvision's CUDA build next to a CPU build of torch. All versions so far (torch 2.13, torchvision
  0.28).
- `mend_package_lookup`: MMEngine up to 0.10.7, where setuptools is 82 or later, or absent.
- `warn_of_clobbered_packages`: pip lets packages overwrite each other's files. All versions.
- `require_packages`: an installation without its requirements, made to keep a full mmcv, may lack every MMCV, or OpenCV,
  which comes with it. All versions.
- `explain_opencv`: opencv-python needs libGL, which machines without a display lack. All versions.

Elsewhere, as they are components or parts of one:
- MMEngine up to 0.10.7, and its fork onedl-mmengine up to 0.10.12:
  - ultraref/checkpoint.py: checkpoints hold pickled objects, which torch >= 2.6 refuses to load. tests/test_checkpoint.py
  - ultraref/engine/runner.py: `load_from` is not strict; a TypeError in a hook loses its traceback; `test()` after `train()` skips
    averaged weights; a test loads the training data. tests/engine/test_runner.py
  - ultraref/engine/cpu_distributed.py: gloo runs call `cuda.set_device`. tests/engine/test_distributed.py
  - ultraref/engine/data_workers.py: persistent workers outlive the run. tests/engine/test_data_workers.py
  - ultraref/engine/hooks/checkpoint_hook.py: the last checkpoint is written before the epoch's validation.
    tests/engine/hooks/test_checkpoint_hook.py
  - ultraref/engine/hooks/reseed_hook.py, ultraref/datasets/samplers.py: a resumed run is not bit-identical, and workers
    that start anew repeat their augmentations. tests/engine/test_exact_resume.py
  - ultraref/engine/hooks/group_learning_rate_hook.py: only the first group's rate is logged.
    tests/engine/hooks/test_group_learning_rate_hook.py
  - ultraref/engine/optim/ultra_amp_optim_wrapper.py: AmpOptimWrapper refuses the CPU.
    tests/engine/optim/test_ultra_amp_optim_wrapper.py
  - ultraref/engine/config_check.py: a misspelt option or key passes silently. tests/engine/test_config_check.py
  - ultraref/engine/train_loop.py: a run goes on from the end of an epoch alone. tests/engine/test_train_loop.py
  - ultraref/engine/hooks/batch_norm_statistics_hook.py: each process has batch-norm statistics of its own.
    tests/engine/test_distributed.py
- torch up to 2.13:
  - ultraref/processes.py: data workers die of a signal to their process group, and processes outlive a killed torchrun.
    tests/test_processes.py, tests/test_launch_scripts.py
  - ultraref/engine/shared_memory.py: a full /dev/shm is a bus error. tests/engine/test_shared_memory.py
  - ultraref/engine/data_workers.py: a batch is waited for without end. tests/engine/test_data_workers.py
- segment_anything 1.0:
  - ultraref/models/sam/mask_decoder.py: one image a call. tests/models/sam/test_sam_decode.py
- timm up to 1.0.31:
  - ultraref/models/coarse/encoders/timm_encoder.py, ultraref/models/coarse/encoders/published_npz.py: of a file of another
    model it loads what happens to fit. tests/models/coarse/encoders/test_timm_encoder.py,
    tests/models/coarse/encoders/test_published_npz.py
  - ultraref/models/coarse/encoders/r50_vit.py: ResNetV2 has 32 groups in every norm, too many for a tiny network.
    tests/models/coarse/encoders/test_r50_vit.py
- OpenCV up to 5.0, Pillow up to 13.0:
  - ultraref/datasets/readers/raster.py: OpenCV turns a palette into RGB and a damaged file into a partly black image, and takes
    memory for what a chunk claims, Pillow cuts 16-bit colour to 8 bits. tests/datasets/readers/test_open_source.py
  - ultraref/datasets/likeness/registration.py: OpenCV multiplies the window of a phase correlation into its input.
    tests/datasets/likeness/test_registration.py
- pylibjpeg-libjpeg up to 2.5 and others:
  - ultraref/datasets/readers/codestream.py: a decoder takes memory for the size that a damaged compressed frame claims.
    tests/datasets/readers/test_dicom.py
- highdicom up to 0.28:
  - ultraref/datasets/dicom_segmentation.py: a cine loop without a frame of reference is refused.
    tests/datasets/test_dicom_segmentation.py
- pycocotools up to 2.0.11:
  - ultraref/datasets/coco_segmentation.py: a run-length code that is too short becomes uninitialised memory, a polygon corner
    far outside a crash. tests/datasets/test_coco_segmentation.py
"""

import importlib.abc
import importlib.metadata
import importlib.util
import os
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from ultraref.errors import MissingLibraryError

# `torch.library.Library` objects undefine their schemas when they are collected, so they are kept here.
_LIBRARIES = []

# Folder of site-packages -> the packages on the index that all write to it.
_SHARED_FOLDERS = {
    "mmcv": ("mmcv", "mmcv-full", "mmcv-lite", "onedl-mmcv"),
    "mmengine": ("mmengine", "mmengine-lite", "onedl-mmengine"),
}
# Where MMEngine defines the lookup of packages that needs `pkg_resources`.
_LOOKUP = "mmengine.utils.package_utils"
_NEEDS = {
    "mmcv": "ultraref runs with each of them",
    "mmengine": "ultraref runs with mmengine or onedl-mmengine",
}


def install() -> None:
    """Applies the work-arounds of this file. Imports neither torch nor MMEngine: those are touched when they are imported.

    Raises:
        ImportError: there is no MMCV, or no OpenCV.
    """
    warn_of_clobbered_packages()
    require_packages()
    if any(isinstance(finder, _ImportHooks) for finder in sys.meta_path):
        return
    hooks = _ImportHooks(
        before={"torchvision": guard_torchvision}, after={_LOOKUP: mend_package_lookup}, failed={"cv2": explain_opencv}
    )
    sys.meta_path.insert(0, hooks)
    # Whoever imported it first has its functions under other names as well.
    if _LOOKUP in sys.modules:
        mend_package_lookup()


class _ImportHooks(importlib.abc.MetaPathFinder):
    """Calls functions when a module is imported: right before its code runs, after it, or when that failed.

    It finds no module itself: the other finders do, and the loader that they give is told to make the calls.

    Args:
        before, after: name of a module -> function without arguments.
        failed: name of a module -> function of the ImportError, which may raise another in its place.
    """

    def __init__(self, before: dict[str, Callable], after: dict[str, Callable], failed: dict[str, Callable]):
        self._before, self._after, self._failed = before, after, failed

    def find_spec(self, fullname, path=None, target=None):
        """Asks the other finders, for the modules that something is to happen to."""
        calls = self._before.get(fullname), self._after.get(fullname), self._failed.get(fullname)
        if not any(calls):
            return None
        others = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            self._add_calls(spec.loader, *calls)
        return spec

    @staticmethod
    def _add_calls(loader, before: Callable | None, after: Callable | None, failed: Callable | None) -> None:
        execute = loader.exec_module

        def exec_module(module):
            if before is not None:
                before()
            try:
                execute(module)
            except ImportError as error:
                if failed is not None:
                    failed(error)
                raise
            if after is not None:
                after()

        # Each spec has a loader of its own, so this is for one import alone.
        loader.exec_module = exec_module


def guard_torchvision() -> bool:
    """Makes torchvision importable next to a torch build that its compiled part doesn't fit.

    The package index holds torchvision with CUDA only. Next to a CPU build of torch its shared library does not load,
    and `import torchvision` then stops with "operator torchvision::nms does not exist", and timm, segment_anything and
    MMEngine's Runner with it. They need only torchvision's Python parts, so where the library can't be loaded the two
    operator schemas that the import looks for are declared, without an implementation.

    Returns:
        True when the schemas had to be declared, False when torchvision is whole or not installed.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None or _LIBRARIES:
        return bool(_LIBRARIES)
    libraries = [f for f in os.listdir(Path(spec.origin).parent) if f.startswith("_C.") or f == "_C.so"]
    if not libraries:
        return False
    import torch

    try:
        torch.ops.load_library(str(Path(spec.origin).parent / libraries[0]))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _LIBRARIES.append(library)
    return bool(_LIBRARIES)


def mend_package_lookup() -> bool:
    """Replaces `is_installed` and `get_installed_path` of MMEngine where they need `pkg_resources`.

    setuptools 82 took `pkg_resources` away. MMEngine 0.10.7 imports it in these two functions alone, which it calls for a
    base config in another package (`_base_ = "mmseg::..."`, or `read_base()` with an absolute import) and in its hub.

    Returns:
        Whether they were replaced; False for an MMEngine that does without `pkg_resources`, and the second time.
    """
    import mmengine.utils.package_utils as package_utils

    if "pkg_resources" not in package_utils.is_installed.__code__.co_names:
        return False
    for function in (is_installed, get_installed_path):
        for name in (_LOOKUP, "mmengine.utils", "mmengine.config.config", "mmengine.hub.hub"):
            # All that have imported them by name. What hasn't been imported yet will take them from the first.
            if name in sys.modules and hasattr(sys.modules[name], function.__name__):
                setattr(sys.modules[name], function.__name__, function)
    return True


def is_installed(package: str) -> bool:
    """Whether `package`, a name on the package index or of a module, is installed. As MMEngine's, without setuptools."""
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        spec = importlib.util.find_spec(package)
        return spec is not None and spec.origin is not None
    return True


def get_installed_path(package: str) -> str:
    """Returns the folder of an installed package. As MMEngine's, without setuptools.

    Args:
        package: name on the package index, or of the module.

    Raises:
        ModuleNotFoundError: it is not installed.
        RuntimeError: it is a namespace package, which has no folder of its own.
    """
    wanted = re.sub(r"[-_.]+", "-", package).lower()
    modules = [
        module
        for module, names in importlib.metadata.packages_distributions().items()
        if wanted in (re.sub(r"[-_.]+", "-", name).lower() for name in names)
    ]
    # The module that has the package's name, where there is one: a package may bring several.
    for module in (package, *modules):
        spec = importlib.util.find_spec(module) if module.isidentifier() else None
        if spec is not None and spec.origin is not None:
            return os.path.dirname(spec.origin)
        if spec is not None and module == package:
            raise RuntimeError(f"{package} is a namespace package, which has no folder of its own")
    raise ModuleNotFoundError(f"{package} is not installed", name=package)


def warn_of_clobbered_packages() -> list[str]:
    """Warns, in a line each, of installed packages that write to the same folder, and returns their names.

    mmcv and mmcv-lite, or mmengine and onedl-mmengine: the one that was installed last has overwritten files of the other,
    pip says nothing of it, and removing either breaks both.
    """
    clobbered = []
    for folder, names in _SHARED_FOLDERS.items():
        versions = {name: _version(name) for name in names}
        installed = [name for name, version in versions.items() if version is not None]
        if len(installed) < 2:
            continue
        clobbered += installed
        warnings.warn(
            f"{' and '.join(f'{name} {versions[name]}' for name in installed)} are both installed and overwrite each "
            f"other's files in {folder}/; to repair it: pip uninstall {' '.join(installed)}, then pip install the one that "
            f"you want ({_NEEDS[folder]}; docs/how-to/install.md)",
            stacklevel=2,
        )
    return clobbered


def require_packages() -> None:
    """Checks that some MMCV is there, from whose `BaseTransform` the transforms derive, and some OpenCV.

    Several packages bring either, so that none of them can be a requirement that others meet.

    Raises:
        ImportError: there is none; says which to install.
    """
    if importlib.util.find_spec("mmcv") is None:
        raise ImportError(
            "ultraref needs MMCV: pip install mmcv-lite, or a full mmcv where other packages need its compiled operators; never "
            "both (docs/how-to/install.md)",
            name="mmcv",
        )
    if importlib.util.find_spec("cv2") is None:
        raise ImportError(
            "ultraref needs OpenCV: pip install opencv-python-headless, or opencv-python; never both "
            "(docs/how-to/install.md)",
            name="cv2",
        )


def explain_opencv(error: ImportError) -> None:
    """Says what to do where OpenCV can't be loaded because the system lacks a library, libGL.so.1 most of the time.

    Raises:
        MissingLibraryError: that is the reason.
    """
    if "cannot open shared object file" in str(error):
        raise MissingLibraryError(
            f"OpenCV can't be loaded: {error}. opencv-python needs what machines with a display have; in its place take the "
            "build without windows: pip uninstall -y opencv-python, then pip install opencv-python-headless "
            "(docs/how-to/install.md)"
        ) from error


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def explain_missing(error: ImportError) -> str:
    """Says what to do about a module that a config imports and that could not be imported, in one line.

    Args:
        error: as the import of the config raised it; MMEngine hides the reason behind errors of its own.
    """
    reason, link = error, error
    while link is not None:
        # The innermost one that says which module it is about.
        if isinstance(link, ImportError) and link.name:
            reason = link
        link = link.__cause__ or link.__context__
    return f"{reason}; a module must be importable from the current folder"
