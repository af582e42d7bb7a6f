"""How good the prompts and the ROI are that each option makes from a coarse mask, measured on real lesion masks."""

import itertools

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import track
from torch import Tensor

from ultraref.datasets.mask_errors import MaskErrorAugmentor
from ultraref.models.mask_statistics import is_empty
from ultraref.models.prob_transforms import ProbFloor, ProbSharpen
from ultraref.models.prompts import BoxPromptGenerator, PointPromptGenerator
from ultraref.models.roi import LesionROICropper

TRANSFORMS = {
    "none": torch.nn.Identity(),
    "floor 0.02": ProbFloor(0.02),
    "floor 0.05": ProbFloor(0.05),
    "floor 0.2": ProbFloor(0.2),
    "sharpen 2": ProbSharpen(2),
}
POSITIVES = {f"power {power}": PointPromptGenerator(power, negative=None) for power in (1, 2)}
NEGATIVES = {
    "far_corner": PointPromptGenerator(negative="far_corner"),
    "background_centroid, tau 1": PointPromptGenerator(negative="background_centroid", tau=1),
    "background_centroid, tau 8": PointPromptGenerator(negative="background_centroid", tau=8),
}
BOXES = {f"{num_std} std": BoxPromptGenerator(num_std) for num_std in (1.75, 2.0, 2.25, 2.5, 3.0)}
ROIS = {
    f"expand {expand}, {name}": LesionROICropper(expand, **options)
    for expand in (0.2, 0.5)
    for name, options in (("free", {}), ("cap", {"cap": True}), ("square", {"square": True}))
}


def simulate(
    masks: list[np.ndarray], size: int, coarse_size: int, preset: str = "default", draws: int = 1, seed: int = 0
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Makes coarse masks of lesion masks: the masks themselves, and with simulated errors.

    Args:
        masks: lesion masks (H, W), {0, 1} uint8.
        size: S, frame of the prompts.
        coarse_size: h, frame of the coarse masks.
        preset: mixture of simulated errors.
        draws: simulated errors for each mask.
        seed: of the errors.

    Returns:
        By source, the lesion masks (N, 1, S, S) bool and the coarse masks (N, 1, h, h) in [0, 1].
    """
    augmentor = MaskErrorAugmentor(preset=preset)
    truth, perfect, simulated = [], [], []
    for index, mask in enumerate(masks):
        native = torch.from_numpy(mask)[None, None].float()
        truth.append(F.interpolate(native, (size, size), mode="area") > 0.5)
        perfect.append(F.interpolate(native, (coarse_size, coarse_size), mode="area"))
        for draw in range(draws):
            prob, _ = augmentor(mask, np.random.default_rng([seed, draw, index]))
            prob = torch.from_numpy(prob)[None, None]
            simulated.append(F.interpolate(prob, (coarse_size, coarse_size), mode="area"))
    truth = torch.cat(truth)
    return (
        {"true mask": truth, "simulated": truth.repeat_interleave(draws, dim=0)},
        {"true mask": torch.cat(perfect), "simulated": torch.cat(simulated)},
    )


@torch.no_grad()
def measure(truth: dict[str, Tensor], coarse: dict[str, Tensor], size: int) -> tuple[list[dict], list[dict]]:
    """Returns the rows of the table of prompts and of the table of ROIs, of what `simulate` gives with the same `size`."""
    prompt_rows, roi_rows = [], []
    for source, background in itertools.product(coarse, (0.0, 0.005)):
        kept = ~is_empty(coarse[source])
        # In batches that fit the processor's cache.
        batches = list(zip(coarse[source][kept].split(32), truth[source][kept].split(32)))
        for name, transform in track(TRANSFORMS.items(), description=f"{source}, background {background}"):
            head = {"coarse mask": source, "background": background, "transform": name, "n": int(kept.sum())}
            prompts, rois = [], {key: [] for key in ROIS}
            for prob, lesion in batches:
                prob = F.interpolate(prob, (size, size), mode="bilinear", align_corners=False)
                prob = transform(background + (1 - background) * prob)
                true_box = tight_box(lesion)
                prompts.append(measure_prompts(prob, lesion, true_box))
                for key, cropper in ROIS.items():
                    rois[key].append(measure_roi(cropper(prob), lesion, true_box))
            prompt_rows.append(head | summarise(prompts))
            roi_rows += [head | {"roi": key} | summarise(values) for key, values in rois.items()]
    return prompt_rows, roi_rows


def summarise(batches: list[dict[str, Tensor]]) -> dict[str, float]:
    """Returns the mean of each number over all samples; of the magnification, the median."""
    joined = {key: torch.cat([batch[key] for batch in batches]).float() for key in batches[0]}
    return {key: (value.median() if "median" in key else value.mean()).item() for key, value in joined.items()}


def measure_prompts(prob: Tensor, lesion: Tensor, true_box: Tensor) -> dict[str, Tensor]:
    """By option, (N,): whether points lie on the right side, and the IoU of the box with the lesion's."""
    row = {}
    for name, generator in POSITIVES.items():
        row[f"positive in lesion, {name}"] = lookup(lesion, generator(prob, 64).points[:, 0])
    for name, generator in NEGATIVES.items():
        row[f"negative outside, {name}"] = 1 - lookup(lesion, generator(prob, 64).points[:, 1])
    for name, generator in BOXES.items():
        row[f"box IoU, {name}"] = box_iou(generator(prob, 64).box, true_box)
    return row


def measure_roi(roi: Tensor, lesion: Tensor, true_box: Tensor) -> dict[str, Tensor]:
    """By name, (N,): how much of the lesion lies in the ROI, how much the ROI is magnified, where it ends."""
    size = lesion.shape[-1]
    whole = (roi[:, :2] <= true_box[:, :2]).all(1) & (roi[:, 2:] >= true_box[:, 2:]).all(1)
    position = torch.arange(size)
    columns = (position >= roi[:, 0, None]) & (position <= roi[:, 2, None])
    rows = (position >= roi[:, 1, None]) & (position <= roi[:, 3, None])
    total = lesion[:, 0].float()
    inside = (rows[:, None].float() @ total @ columns[:, :, None].float()).flatten() / total.sum((1, 2))
    magnification = size / (roi[:, 2:] - roi[:, :2]).prod(1).sqrt()
    past = ((roi[:, :2] < -0.5 - 1e-3) | (roi[:, 2:] > size - 0.5 + 1e-3)).any(1)
    return {
        "lesion whole in ROI": whole,
        "share of lesion in ROI": inside,
        "magnification (median)": magnification,
        "reaches past the frame": past,
    }


def lookup(lesion: Tensor, points: Tensor) -> Tensor:
    """Returns (N,) float, 1 where the pixel of `lesion` (N, 1, S, S) nearest to the point (N, 2) is lesion."""
    x, y = points.round().long().clamp(0, lesion.shape[-1] - 1).unbind(1)
    return lesion[torch.arange(len(lesion)), 0, y, x].float()


def tight_box(lesion: Tensor) -> Tensor:
    """Returns the boxes (N, 4) xyxy through the centres of the outermost pixels of `lesion` (N, 1, S, S)."""
    edges = []
    for other in (-2, -1):
        profile = lesion[:, 0].any(dim=other).float()
        edges.append((profile.argmax(1), profile.shape[1] - 1 - profile.flip(1).argmax(1)))
    (left, right), (top, bottom) = edges
    return torch.stack([left, top, right, bottom], dim=1).float()


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of the boxes `a` and `b` (N, 4)."""
    sides = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    both = sides.prod(1)
    return both / ((a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - both).clamp(min=1e-6)
