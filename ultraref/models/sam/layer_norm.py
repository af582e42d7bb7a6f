"""SAM's LayerNorm2d on tokens."""

from segment_anything.modeling.common import LayerNorm2d
from torch import Tensor
from torch.nn import functional as F


def layer_norm_channels_last(norm: LayerNorm2d, x: Tensor) -> Tensor:
    """The package's LayerNorm2d on a tensor whose last dimension holds the channels."""
    return F.layer_norm(x, norm.weight.shape, norm.weight, norm.bias, norm.eps)
