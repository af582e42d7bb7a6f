"""Every work-around for a third-party package, each with its reason. Tests: tests/test_compat.py."""

import importlib.metadata
import importlib.util
import os
import warnings
from pathlib import Path

import torch

# `torch.library.Library` objects undefine their schemas when they are collected, so they are kept here.
_LIBRARIES = []


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
    try:
        torch.ops.load_library(str(Path(spec.origin).parent / libraries[0]))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _LIBRARIES.append(library)
    return bool(_LIBRARIES)


def warn_of_two_mmcvs() -> bool:
    """Warns where mmcv and mmcv-lite are both installed, and returns whether they are.

    Both write the same folder `mmcv`: the one that was installed last has overwritten files of the other, and removing
    either breaks both. This toolkit needs mmcv-lite alone.
    """
    installed = {dist.metadata["Name"].lower() for dist in importlib.metadata.distributions(name="mmcv")}
    installed |= {dist.metadata["Name"].lower() for dist in importlib.metadata.distributions(name="mmcv-lite")}
    if len(installed) < 2:
        return False
    warnings.warn(
        "mmcv and mmcv-lite are both installed and overwrite each other's files. Use an environment of its own for "
        "ultraref, or repair this one: pip uninstall mmcv mmcv-lite, then pip install the one you want",
        stacklevel=2,
    )
    return True
