"""What p, q and SAM's embedding say of a case: the inputs of a quality head."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ultraref.models.mask_components import label_components
from ultraref.models.prompts.component_box import tight_box
from ultraref.models.quality.base import CaseEvidence

# Names of the columns of `case_scalars`. "p" is the coarse mask or probability, "q" SAM's; soft_dice_q_of_p is the Dice of the mask
# {q > 0.5} that one expects where p is the truth's probability.
SCALARS = (
    "agreement",
    "share_of_p_in_q",
    "share_of_q_in_p",
    "soft_dice_p_of_p",
    "soft_dice_q_of_p",
    "soft_dice_p_of_q",
    "soft_dice_q_of_q",
    "side_p",
    "side_q",
    "entropy_p",
    "entropy_q",
    "components_p",
    "components_p_low",
    "components_q",
    "extent_p",
    "extent_q",
    "centre_x_p",
    "centre_y_p",
    "centre_x_q",
    "centre_y_q",
    "predicted_iou",
    "stability",
)
# Probability from which on a second, weaker place counts as a component.
LOW = 0.25
# Most components that are told apart.
MOST_COMPONENTS = 8
# Width of the ring around a mask under which the embedding is pooled, in cells of the embedding.
RING = 2


@torch.no_grad()
def case_scalars(evidence: CaseEvidence) -> Tensor:
    """Returns numbers of about unit size, (N, len(SCALARS)) float32, or float64 of float64 probabilities.

    Areas and overlaps are of the masks at their own size; components and ring are found at that of the embedding. Empty masks give
    finite numbers: ratios of nothing are 0, but the IoU of two empty masks is 1.
    """
    p, q, content = _in_content(evidence)
    mask_p, mask_q = (p > 0.5).to(p.dtype), (q > 0.5).to(q.dtype)
    area_p, area_q, both = (_sum(mask) for mask in (mask_p, mask_q, mask_p * mask_q))
    either, total = area_p + area_q - both, _sum(content)
    side = evidence.features.shape[-1]
    small_p, small_q = (F.interpolate(prob, (side, side), mode="area") for prob in (p, q))
    columns = [
        torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(either)),
        both / area_p.clamp(min=1),
        both / area_q.clamp(min=1),
        *(_soft_dice(prob, mask) for prob in (p, q) for mask in (mask_p, mask_q)),
        *((area / total.clamp(min=1)).sqrt() for area in (area_p, area_q)),
        *((_sum(_entropy(prob)) / (area + 1)).clamp(max=4) / 4 for prob, area in ((p, area_p), (q, area_q))),
        *(_components(mask).to(p.dtype) for mask in (small_p > 0.5, small_p > LOW, small_q > 0.5)),
        *(_extent(mask, area) for mask, area in ((mask_p, area_p), (mask_q, area_q))),
        *_centre(mask_p, content),
        *_centre(mask_q, content),
        evidence.predicted_iou.to(p.dtype).nan_to_num(0.0).clamp(-1, 2),
        evidence.stability.to(p.dtype),
    ]
    return torch.stack(columns, dim=1)


@torch.no_grad()
def pooled_features(evidence: CaseEvidence) -> Tensor:
    """Returns the mean embedding under p's mask, in the ring around it, under q's and in the ring around that: (N, 4, C).

    Masks weigh by the share of each cell that they cover. A mask that covers nothing gives zeros.
    """
    p, q, content = _in_content(evidence)
    features = evidence.features.to(p.dtype)
    size = features.shape[-2:]
    content = F.interpolate(content, size, mode="area")
    weights = []
    for prob in (p, q):
        mask = F.interpolate((prob > 0.5).to(p.dtype), size, mode="area")
        around = F.max_pool2d(mask, 2 * RING + 1, stride=1, padding=RING)
        weights += [mask, (around - mask) * content]
    weight = torch.cat(weights, dim=1)
    sums = torch.einsum("nkhw,nchw->nkc", weight, features)
    return sums / weight.sum(dim=(2, 3)).clamp(min=torch.finfo(p.dtype).eps)[..., None]


def _in_content(evidence: CaseEvidence) -> tuple[Tensor, Tensor, Tensor]:
    """Returns p and q, 0 in the padding, and the content as numbers, all (N, 1, H, W)."""
    p, q = evidence.coarse_prob, evidence.sam_prob
    content = torch.ones_like(p) if evidence.content is None else evidence.content.to(p.dtype)
    return p * content, q * content, content


def _sum(values: Tensor) -> Tensor:
    return values.flatten(1).sum(dim=1)


def _soft_dice(prob: Tensor, mask: Tensor) -> Tensor:
    return (2 * _sum(prob * mask) + 1) / (_sum(prob) + _sum(mask) + 1)


def _entropy(prob: Tensor) -> Tensor:
    """Binary entropy in bits, 0 at 0 and 1."""
    return -(torch.special.xlogy(prob, prob) + torch.special.xlogy(1 - prob, 1 - prob)) / torch.log(prob.new_tensor(2))


def _components(mask: Tensor) -> Tensor:
    """Share of MOST_COMPONENTS, (N,): the number of 8-connected components of masks (N, 1, h, w) bool, at most that many."""
    labels = label_components(mask).flatten(1)
    # A component is named after one of its pixels, which alone has its own name.
    own = torch.arange(1, labels.shape[1] + 1, device=labels.device)
    return (labels == own).sum(dim=1).clamp(max=MOST_COMPONENTS).double() / MOST_COMPONENTS


def _extent(mask: Tensor, area: Tensor) -> Tensor:
    """Share of its box that a mask (N, 1, H, W) fills."""
    box = tight_box(mask > 0)
    sides = box[:, 2:] - box[:, :2] + 1
    return area / (sides[:, 0] * sides[:, 1]).to(area.dtype)


def _centre(mask: Tensor, content: Tensor) -> tuple[Tensor, Tensor]:
    """Centre of mass (x, y) of masks in shares of the content's width and height; 0.5 where a mask is empty."""
    area, shares = _sum(mask), []
    for axis in (3, 2):
        sums = mask.sum(dim=5 - axis).flatten(1)
        length = content.amax(dim=5 - axis).flatten(1).sum(dim=1)
        places = torch.arange(sums.shape[1], device=mask.device, dtype=mask.dtype) + 0.5
        share = (sums * places).sum(dim=1) / area.clamp(min=1) / length.clamp(min=1)
        shares.append(torch.where(area > 0, share, torch.full_like(share, 0.5)))
    return shares[0], shares[1]
