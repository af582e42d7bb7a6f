"""Low-rank adaptation of SAM's image encoder.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022: a frozen linear map W gets the trained
update (alpha / rank) * B A, with A random and B zero, so that training starts at the published model.
"""

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.atomic import atomic_file
from ultraref.checkpoint import load_weights_file
from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import load_strictly
from ultraref.models.sam.image_encoders import BaseImageEncoder

QKV = ("q", "k", "v")


class LoRALinear(nn.Linear):
    """A linear layer with a low-rank update. Weight and bias keep their names in the state dict.

    Args:
        linear: the layer to adapt; its parameters are taken over and frozen.
        rank: r of the update.
        alpha: the update is scaled by alpha / rank.
        dropout: rate of dropout on the update's input, while training.
        updates: number of updates that a subclass has, each of its own share of the output.
        width: outputs of an update.
    """

    def __init__(
        self, linear: nn.Linear, rank: int, alpha: float, dropout: float, updates: int = 1, width: int | None = None
    ):
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.weight.requires_grad_(False)
        if self.bias is not None:
            self.bias.requires_grad_(False)
        self.scaling = alpha / rank
        self.dropout = dropout
        self.merged = False
        width = self.out_features if width is None else width
        self.lora_a = nn.Parameter(self.weight.new_empty(updates, rank, self.in_features))
        self.lora_b = nn.Parameter(self.weight.new_zeros(updates, width, rank))
        # The bound of nn.Linear's own initialisation, as in the authors' code.
        bound = 1 / math.sqrt(self.in_features)
        nn.init.uniform_(self.lora_a, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        out = super().forward(x)
        if self.merged:
            return out
        x = F.dropout(x, self.dropout, self.training)
        return self._add(out, [F.linear(F.linear(x, a), b * self.scaling) for a, b in zip(self.lora_a, self.lora_b)])

    def delta(self) -> Tensor:
        """Returns the update as a matrix of the weight's shape."""
        products = self.scaling * (self.lora_b @ self.lora_a)
        return self._add(torch.zeros_like(self.weight).t(), [product.t() for product in products]).t()

    def _add(self, out: Tensor, updates: list[Tensor]) -> Tensor:
        """Adds the updates (..., width) to their shares of the output (..., out)."""
        return out + updates[0]

    @torch.no_grad()
    def merge(self) -> None:
        """Adds the update to the weight, for inference at no extra cost."""
        if not self.merged:
            self.weight += self.delta()
            self.merged = True

    @torch.no_grad()
    def unmerge(self) -> None:
        """Takes the update out of the weight again."""
        if self.merged:
            self.weight -= self.delta()
            self.merged = False

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, rank={self.lora_a.shape[1]}, scaling={self.scaling}"


class LoRAQKV(LoRALinear):
    """A fused qkv layer, whose output is q, k and v one after another, with an update for some of the three.

    Args:
        qkv, rank, alpha, dropout: of LoRALinear.
        targets: some of `q`, `k`, `v`, an update each.
    """

    def __init__(self, qkv: nn.Linear, rank: int, alpha: float, dropout: float, targets: Sequence[str]):
        super().__init__(qkv, rank, alpha, dropout, updates=len(targets), width=qkv.out_features // 3)
        self.targets = tuple(targets)

    def _add(self, out: Tensor, updates: list[Tensor]) -> Tensor:
        parts = list(out.chunk(3, dim=-1))
        for target, update in zip(self.targets, updates):
            parts[QKV.index(target)] = parts[QKV.index(target)] + update
        return torch.cat(parts, dim=-1)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, targets={self.targets}"


def add_lora(
    image_encoder: BaseImageEncoder,
    rank: int = 4,
    alpha: float = 4.0,
    dropout: float = 0.0,
    targets: Sequence[str] = ("qkv",),
) -> None:
    """Puts adapters into the layers that an image encoder names. Only they train from then on.

    Args:
        image_encoder: its `lora_targets` say which layers.
        rank, alpha, dropout: of LoRALinear.
        targets: `qkv` for one update of a layer's whole output; where the output is q, k and v one after another
            (`lora_fused_qkv`), also some of `q`, `k`, `v`.

    Raises:
        ValueError: a setting is out of range, or the patterns match no layer, or one that isn't linear.
    """
    targets = (targets,) if isinstance(targets, str) else tuple(targets)
    whole = targets == ("qkv",)
    if not whole and (not targets or len(set(targets)) < len(targets) or not set(targets) <= set(QKV)):
        raise UserError(f"LoRA targets are ('qkv',) or some of {QKV}, but got {targets}")
    if not whole and not image_encoder.lora_fused_qkv:
        raise UserError(
            f"LoRA targets {targets}: the layers of {type(image_encoder).__name__} mix q, k and v; give ('qkv',)"
        )
    if rank < 1:
        raise UserError(f"LoRA rank must be at least 1, but got {rank}")
    if not 0 <= dropout < 1:
        raise UserError(f"LoRA dropout must be in [0, 1), but got {dropout}")
    image_encoder.requires_grad_(False)
    for name, layer in _target_layers(image_encoder).items():
        adapted = LoRALinear(layer, rank, alpha, dropout) if whole else LoRAQKV(layer, rank, alpha, dropout, targets)
        parent, _, attribute = name.rpartition(".")
        setattr(image_encoder.get_submodule(parent), attribute, adapted)


def _target_layers(image_encoder: BaseImageEncoder) -> dict[str, nn.Linear]:
    """Returns name -> layer that the encoder's patterns match."""
    patterns, kind = image_encoder.lora_targets, type(image_encoder).__name__
    found = {
        name: module
        for name, module in image_encoder.named_modules()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    if not found:
        raise UserError(f"LoRA: no layer of {kind} matches its lora_targets {patterns}")
    for name, layer in found.items():
        if not isinstance(layer, nn.Linear):
            raise UserError(f"LoRA: {name} of {kind} is {type(layer).__name__}; lora_targets must match linear layers")
    return found


def lora_layers(module: nn.Module) -> list[LoRALinear]:
    """Returns the adapted layers within a module."""
    return [m for m in module.modules() if isinstance(m, LoRALinear)]


def lora_state_dict(module: nn.Module) -> dict[str, Tensor]:
    """Returns the adapters' part of a state dict."""
    return {k: v for k, v in module.state_dict().items() if is_lora_key(k)}


def is_lora_key(key: str) -> bool:
    """Whether a state-dict key names an adapter's parameter."""
    return key.rpartition(".")[2] in ("lora_a", "lora_b")


def save_lora(module: nn.Module, path: str | Path) -> None:
    """Writes the adapters alone."""
    with atomic_file(path) as file:
        torch.save(lora_state_dict(module), file)


def load_lora(module: nn.Module, path: str | Path) -> None:
    """Reads adapters that `save_lora` wrote.

    Raises:
        ValueError: they don't fit the module's adapters.
        UserError: the module's adapters are merged into its weights.
    """
    if any(layer.merged for layer in lora_layers(module)):
        raise UserError("LoRA adapters are merged into the weights: call unmerge before loading others")
    state = load_weights_file(path)
    own = lora_state_dict(module)
    load_strictly(module, state, f"the adapter file {path}", target="this model's adapters", only=own.keys())
