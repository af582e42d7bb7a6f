"""Connected components of coarse masks, on the device."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class MaskComponents:
    """The components of the masks of B images, one a row.

    Attributes:
        rows: (N,) long, the image that each component is of, ascending.
        masks: (N, 1, H, W) bool.
        others: (N, 1, H, W) bool, the rest of the image's mask.
    """

    rows: Tensor
    masks: Tensor
    others: Tensor

    def alone(self, prob: Tensor) -> Tensor:
        """Returns the maps (B, 1, H, W) of the components' images, (N, 1, H, W), each 0 where the rest of its mask is."""
        return prob[self.rows] * ~self.others


@torch.no_grad()
def label_components(mask: Tensor) -> Tensor:
    """Labels the 8-connected components of masks.

    Each pixel begins with a label of its own. In turns it takes the greatest label around it, and then the label that the pixel
    has which its label is named after, so that labels cross a component in a number of turns that grows with the logarithm of
    its length; the loop ends when nothing changes, which the host waits to learn.

    Args:
        mask: (B, 1, H, W) bool.

    Returns:
        (B, 1, H, W) long: 0 for the background; within an image two lesion pixels have the same label where they are connected.
    """
    batch, _, height, width = mask.shape
    names = torch.arange(1, height * width + 1, device=mask.device)
    inside = mask.flatten(1)
    labels = names * inside
    while True:
        # float64 holds every label of a frame exactly, which half precision would not.
        spread = F.max_pool2d(labels.view(batch, 1, height, width).double(), 3, stride=1, padding=1).long().flatten(1)
        spread = spread * inside
        # Background pixels look their label up at pixel 0 and drop what they find.
        spread = torch.maximum(spread, spread.gather(1, (spread - 1).clamp(min=0)) * inside)
        if torch.equal(spread, labels):
            return labels.view(batch, 1, height, width)
        labels = spread


@torch.no_grad()
def find_components(mask: Tensor, min_share: float, min_area: float = 0.0, most: int | None = None) -> MaskComponents:
    """Finds the components that hold a share of their mask's area.

    Args:
        mask: (B, 1, H, W) bool.
        min_share: least area of a component over that of the image's whole mask, in (0, 1].
        min_area: least area of a component in pixels.
        most: how many components an image has at most: its largest, of equally large ones those whose last row is higher up. None: all.

    Returns:
        At most 1 / min_share components an image; none of an empty mask.
    """
    labels = label_components(mask).flatten(1)
    areas = torch.zeros(len(labels), labels.shape[1] + 1, device=mask.device)
    areas.scatter_add_(1, labels, mask.flatten(1).float())
    # The background's area is 0 in `areas`.
    large = (areas >= min_share * mask.flatten(1).sum(dim=1, keepdim=True)) & (areas >= min_area) & (areas > 0)
    rows, names = large.nonzero(as_tuple=True)
    if most is not None:
        # By image, the largest first; `first` is the place of an image's largest.
        order = areas[rows, names].argsort(descending=True, stable=True)
        order = order[rows[order].argsort(stable=True)]
        first = torch.searchsorted(rows, rows)
        kept = order[torch.arange(len(rows), device=rows.device) - first < most].sort().values
        rows, names = rows[kept], names[kept]
    masks = (labels[rows] == names[:, None]).view(-1, *mask.shape[1:])
    return MaskComponents(rows, masks, mask[rows] & ~masks)
