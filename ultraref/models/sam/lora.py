"""Low-rank adaptation of SAM's image encoder.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022: a frozen linear map W gets the trained
update (alpha / rank) * B A, with A random and B zero, so that training starts at the published model.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.models.checkpoint_loading import load_strictly

QKV = ("q", "k", "v")


class LoRAQKV(nn.Linear):
    """The fused qkv layer with low-rank updates. Weight and bias keep their names in the state dict.

    Args:
        qkv: the layer to adapt; its parameters are taken over and frozen.
        rank: r of the update.
        alpha: the update is scaled by alpha / rank.
        dropout: rate of dropout on the update's input, while training.
        targets: `qkv` for one update of the fused output, or some of `q`, `k`, `v` for one each.
    """

    def __init__(self, qkv: nn.Linear, rank: int, alpha: float, dropout: float, targets: Sequence[str]):
        nn.Module.__init__(self)
        self.in_features, self.out_features = qkv.in_features, qkv.out_features
        self.weight, self.bias = qkv.weight, qkv.bias
        self.weight.requires_grad_(False)
        if self.bias is not None:
            self.bias.requires_grad_(False)
        self.scaling = alpha / rank
        self.dropout = dropout
        self.merged = False
        self.targets = tuple(targets)
        count = len(self.targets)
        width = self.out_features if self.targets == ("qkv",) else self.out_features // 3
        self.lora_a = nn.Parameter(self.weight.new_empty(count, rank, self.in_features))
        self.lora_b = nn.Parameter(self.weight.new_zeros(count, width, rank))
        # The bound of nn.Linear's own initialisation, as in the authors' code.
        bound = 1 / math.sqrt(self.in_features)
        nn.init.uniform_(self.lora_a, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        out = super().forward(x)
        if self.merged:
            return out
        x = F.dropout(x, self.dropout, self.training)
        updates = [F.linear(F.linear(x, a), b * self.scaling) for a, b in zip(self.lora_a, self.lora_b)]
        if self.targets == ("qkv",):
            return out + updates[0]
        parts = list(out.chunk(3, dim=-1))
        for target, update in zip(self.targets, updates):
            parts[QKV.index(target)] = parts[QKV.index(target)] + update
        return torch.cat(parts, dim=-1)

    def delta(self) -> Tensor:
        """Returns the update as a matrix of the weight's shape."""
        products = self.scaling * (self.lora_b @ self.lora_a)
        if self.targets == ("qkv",):
            return products[0]
        delta = torch.zeros_like(self.weight).unflatten(0, (3, -1))
        for target, product in zip(self.targets, products):
            delta[QKV.index(target)] = product
        return delta.flatten(0, 1)

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
        return f"{super().extra_repr()}, rank={self.lora_a.shape[1]}, targets={self.targets}, scaling={self.scaling}"


def add_lora(
    image_encoder: nn.Module,
    rank: int = 4,
    alpha: float = 4.0,
    dropout: float = 0.0,
    targets: Sequence[str] = ("qkv",),
) -> None:
    """Puts adapters into every block of SAM's image encoder. Only they train from then on.

    Args:
        image_encoder: with `blocks[i].attn.qkv`.
        rank, alpha, dropout, targets: of LoRAQKV.

    Raises:
        ValueError: a setting is out of range.
    """
    targets = (targets,) if isinstance(targets, str) else tuple(targets)
    if targets != ("qkv",) and (not targets or len(set(targets)) < len(targets) or not set(targets) <= set(QKV)):
        raise ValueError(f"LoRA targets are ('qkv',) or some of {QKV}, but got {targets}")
    if rank < 1:
        raise ValueError(f"LoRA rank must be at least 1, but got {rank}")
    if not 0 <= dropout < 1:
        raise ValueError(f"LoRA dropout must be in [0, 1), but got {dropout}")
    image_encoder.requires_grad_(False)
    for block in image_encoder.blocks:
        block.attn.qkv = LoRAQKV(block.attn.qkv, rank, alpha, dropout, targets)


def lora_layers(module: nn.Module) -> list[LoRAQKV]:
    """Returns the adapted layers within a module."""
    return [m for m in module.modules() if isinstance(m, LoRAQKV)]


def lora_state_dict(module: nn.Module) -> dict[str, Tensor]:
    """Returns the adapters' part of a state dict."""
    return {k: v for k, v in module.state_dict().items() if is_lora_key(k)}


def is_lora_key(key: str) -> bool:
    """Whether a state-dict key names an adapter's parameter."""
    return key.rpartition(".")[2] in ("lora_a", "lora_b")


def save_lora(module: nn.Module, path: str | Path) -> None:
    """Writes the adapters alone."""
    torch.save(lora_state_dict(module), path)


def load_lora(module: nn.Module, path: str | Path) -> None:
    """Reads adapters that `save_lora` wrote.

    Raises:
        ValueError: they don't fit the module's adapters.
        RuntimeError: the module's adapters are merged into its weights.
    """
    if any(layer.merged for layer in lora_layers(module)):
        raise RuntimeError("LoRA adapters are merged into the weights: call unmerge before loading others")
    state = torch.load(path, map_location="cpu", weights_only=True)
    own = lora_state_dict(module)
    load_strictly(module, state, f"the adapter file {path}", target="this model's adapters", only=own.keys())
