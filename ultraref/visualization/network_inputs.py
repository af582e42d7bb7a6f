"""What the networks see of a sample, as a picture."""

import numpy as np

from ultraref.visualization.overlay import COARSE, NEGATIVE, POSITIVE, TRUTH
from ultraref.visualization.panels import add_outline, add_points, add_title, grey_panel, prob_panel, stack_rows


def draw_network_inputs(packed: dict, height: int = 320) -> np.ndarray:
    """Draws a packed sample: each network's image in its own frame, and the coarse probability where there is one.

    The outline of the ground truth (green) lies on the image in whose frame it is; that of the coarse mask (yellow) on the coarse
    network's image, where that is there; points of the ground truth (blue: lesion, pink: background) on SAM's.

    Args:
        packed: what `PackSegInputs` gives: `inputs` and `data_samples`.
        height: of the picture in pixels.

    Returns:
        (height + margin, width, 3) uint8 RGB.
    """
    inputs, sample = packed["inputs"], packed["data_samples"]
    panels = []
    for name, title in (("coarse_image", "coarse network"), ("sam_image", "SAM")):
        if name not in inputs:
            continue
        image = inputs[name][0].numpy()
        panel = grey_panel(image, height)
        if "gt_sem_seg" in sample and sample.gt_sem_seg.data.shape[-2:] == image.shape:
            add_outline(panel, sample.gt_sem_seg.data[0].numpy(), TRUTH)
        if name == "coarse_image" and "coarse_prob" in inputs:
            add_outline(panel, inputs["coarse_prob"][0].numpy() > 0.5, COARSE)
        if name == "sam_image" and "gt_points" in inputs and bool(inputs.get("gt_points_valid", True)):
            colours = [POSITIVE if label > 0.5 else NEGATIVE for label in inputs["gt_point_labels"].tolist()]
            add_points(panel, inputs["gt_points"].numpy(), image.shape, colours)
        content = sample.metainfo.get("content_size") if name == "sam_image" else None
        padded = f", content {content[1]} x {content[0]}" if content and tuple(content) != image.shape else ""
        panels.append(add_title(panel, f"{title}, {image.shape[1]} px{padded}"))
    if "coarse_prob" in inputs:
        origin = sample.metainfo.get("error_type") or sample.metainfo.get("coarse_origin") or ""
        prob = inputs["coarse_prob"][0].numpy()
        panels.append(add_title(prob_panel(prob, height), f"coarse probability, {prob.shape[1]} px {origin}".rstrip()))
    return stack_rows([panels])
