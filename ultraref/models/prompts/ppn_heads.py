"""The two networks that turn SAM's image embedding into points: by heat maps, or by a global average."""

import torch
from segment_anything.modeling.common import LayerNorm2d
from torch import Tensor, nn

from ultraref.models.precision import full_precision


class HeatmapHead(nn.Module):
    """One heat map a point, and its soft-argmax.

    The coordinate is the mean of the cells' positions under the softmax of the heat map, and the label is read from the
    features under the same weights. Integral regression: Sun et al., "Integral human pose regression", ECCV 2018.

    Args:
        embed_dim: C, channels of the embedding.
        num_points: N.
        hidden_dim: channels between.
    """

    def __init__(self, embed_dim: int, num_points: int, hidden_dim: int):
        super().__init__()
        # Layer norm, as in SAM's neck: it doesn't depend on the batch, which is small.
        self.trunk = nn.Sequential(
            nn.Conv2d(embed_dim, hidden_dim, 3, padding=1),
            LayerNorm2d(hidden_dim),
            nn.GELU(),
            nn.Conv2d(hidden_dim, hidden_dim, 3, padding=1),
            LayerNorm2d(hidden_dim),
            nn.GELU(),
        )
        self.heat = nn.Conv2d(hidden_dim, num_points, 1)
        self.label = nn.Sequential(nn.Linear(hidden_dim, hidden_dim), nn.GELU(), nn.Linear(hidden_dim, 1))

    def forward(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, h, w) -> coordinates (B, N, 2), (x, y) as shares of the frame in (0, 1), and label logits (B, N)."""
        features = self.trunk(embedding)
        weights, coordinates = soft_argmax(self.heat(features))
        pooled = weights.to(features.dtype) @ features.flatten(2).transpose(1, 2)
        return coordinates, self.label(pooled).squeeze(-1)


class GlobalAverageHead(nn.Module):
    """Three times convolution, batch norm and ReLU, a global average, and two MLPs (reference of SAM2Rad).

    Position survives the average only through SAM's position embedding.

    Args:
        embed_dim: C, channels of the embedding.
        num_points: N.
        hidden_dim: channels between.
    """

    def __init__(self, embed_dim: int, num_points: int, hidden_dim: int):
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (embed_dim, hidden_dim, hidden_dim):
            layers += [nn.Conv2d(channels, hidden_dim, 3, padding=1), nn.BatchNorm2d(hidden_dim), nn.ReLU()]
        self.trunk = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.coordinates = nn.Sequential(
            nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, 2 * num_points)
        )
        self.label = nn.Sequential(nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, num_points))

    def forward(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """As `HeatmapHead.forward`."""
        features = self.trunk(embedding)
        return self.coordinates(features).sigmoid().unflatten(1, (-1, 2)), self.label(features)


@full_precision
def soft_argmax(heat: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the weights of the cells and their mean position.

    Args:
        heat: (B, N, h, w) logits.

    Returns:
        weights (B, N, h * w), which sum to 1, and (B, N, 2) (x, y) as shares of the frame: cell j of w is at
        (j + 0.5) / w.
    """
    height, width = heat.shape[-2:]
    weights = heat.flatten(2).softmax(dim=-1)
    grid = weights.unflatten(2, (height, width))
    x = (grid.sum(dim=2) * _cell_centres(width, grid)).sum(dim=-1)
    y = (grid.sum(dim=3) * _cell_centres(height, grid)).sum(dim=-1)
    return weights, torch.stack([x, y], dim=-1)


def _cell_centres(length: int, like: Tensor) -> Tensor:
    return (torch.arange(length, device=like.device, dtype=like.dtype) + 0.5) / length
