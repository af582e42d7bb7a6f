"""Parameters and floating-point operations of each part of a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import without_initial_weights
from ultraref.models.segmentors import CoarseSegmentor, RefinementSegmentor, SAM2RadSegmentor
from ultraref.registry import MODELS

# What a table has a row for, where the model has it; in order of the forward pass.
PARTS = (
    "network",
    "coarse_source",
    "refiner.sam.image_encoder",
    "refiner.sam.prompt_encoder",
    "refiner.sam.mask_decoder",
    "gate",
    "sam.image_encoder",
    "prompt_predictor",
    "sam.prompt_encoder",
    "sam.mask_decoder",
)


@dataclass(frozen=True)
class PartCost:
    """A part's cost for one image.

    Attributes:
        name: dotted, as in the config's `model`; "other" for what is in no part, "all" for the model.
        parameters: number of them.
        trainable: those that training changes from the start.
        flops: floating-point operations, a multiplication with its addition counted as two.
    """

    name: str
    parameters: int
    trainable: int
    flops: int


def count_flops(cfg: Config) -> tuple[list[PartCost], dict[str, int]]:
    """Counts what a prediction of one image costs, part by part.

    Counted are matrix products, convolutions and attention, as `torch.utils.flop_counter` does; not what is done element by element.
    SAM is asked once, about one lesion, a disc in the middle: a recipe that asks about each component decodes once more for each
    further one.

    Args:
        cfg: a config from `load_config`. Weights are random; no file is needed.

    Returns:
        One row a part, "other" where something is left, and "all"; and the sides of the networks' frames in pixels.

    Raises:
        UserError: the model is none of this package's segmentors.
    """
    init_default_scope("ultraref")
    torch.manual_seed(0)
    model = MODELS.build(without_initial_weights(cfg.model))
    names = [name for name in PARTS if _has(model, name)]
    sizes = {name: _parameters(model.get_submodule(name)) for name in [*names, ""]}
    # The counter follows gradients, which TinyViT keeps in its eval mode where it is asked for them before.
    counts = _count(model.requires_grad_(False).eval())
    parts = [PartCost(name, *sizes[name], counts[name]) for name in names]
    whole = PartCost("all", *sizes[""], counts[""])
    keys = ("parameters", "trainable", "flops")
    other = PartCost("other", *(getattr(whole, key) - sum(getattr(part, key) for part in parts) for key in keys))
    return [*parts, *([other] if other.parameters or other.flops else []), whole], dict(model.sizes)


def _count(model: BaseModel) -> dict[str, int]:
    """Returns the operations of each part of PARTS, and of the whole as ""."""
    inputs = _inputs(model)
    # A cost is that of computing, not of finding.
    asks = getattr(model, "refiner", model)
    if hasattr(asks, "embedding_cache"):
        asks.embedding_cache = None
    with torch.inference_mode(), FlopCounterMode(display=False, custom_mapping=_cpu_attention()) as counter:
        model(inputs, mode="tensor")
        if "given_coarse_prob" in inputs:
            # The disc took its place, as random weights may see no lesion, of which SAM would not be asked.
            model.coarse_source({**inputs, "coarse_prob": inputs["given_coarse_prob"]})
    counts = counter.get_flop_counts()
    root = type(model).__name__
    by_part = {name: sum(counts.get(f"{root}.{name}", {}).values()) for name in PARTS}
    return {**by_part, "": sum(counts["Global"].values())}


def _inputs(model: BaseModel) -> dict[str, Tensor]:
    sizes = model.sizes
    inputs = {}
    if "coarse" in sizes:
        inputs["coarse_image"] = torch.rand(1, 1, sizes["coarse"], sizes["coarse"])
    if "sam" in sizes:
        inputs["sam_image"] = torch.rand(1, 3, sizes["sam"], sizes["sam"]) * 255
    if isinstance(model, RefinementSegmentor):
        inputs["given_coarse_prob"] = _disc(sizes["coarse"])
    elif not isinstance(model, (CoarseSegmentor, SAM2RadSegmentor)):
        raise UserError(
            f"flops knows CoarseSegmentor, RefinementSegmentor and SAM2RadSegmentor, and model.type is {type(model).__name__}"
        )
    return inputs


def _disc(size: int) -> Tensor:
    """Returns (1, 1, size, size): a soft disc of a quarter of the frame's side."""
    places = torch.arange(size) - (size - 1) / 2
    distance = (places[:, None] ** 2 + places**2).sqrt()
    # Its outline is about a sixteenth of the side wide.
    return torch.sigmoid((size / 8 - distance) * 64 / size)[None, None]


def _cpu_attention() -> Mapping:
    """The kernel of `scaled_dot_product_attention` on the CPU, which torch's counter doesn't know."""

    def flops(query, key, value, *args, out_shape=None, **kwargs) -> int:
        *heads, queries, depth = query
        # Queries with keys, and the weights with the values.
        return 2 * prod(heads) * queries * key[-2] * (depth + value[-1])

    return {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: flops}


def _has(model: nn.Module, name: str) -> bool:
    try:
        model.get_submodule(name)
    except AttributeError:
        return False
    return True


def _parameters(module: nn.Module) -> tuple[int, int]:
    """Returns how many parameters there are, and how many of them train."""
    parameters = list(module.parameters())
    return sum(p.numel() for p in parameters), sum(p.numel() for p in parameters if p.requires_grad)
