"""Prompts, ROI, candidates, gate and error of one case in one picture."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from ultraref.apis.analyse.data import build_dataset, place_of
from ultraref.apis.model import init_model
from ultraref.atomic import atomic_file
from ultraref.datasets.collate import stack_collate
from ultraref.datasets.image_io import encode_rgb_png
from ultraref.models.roi.resample import crop_bilinear
from ultraref.models.segmentors import RefinementOutput, SAM2RadOutput
from ultraref.structures import SegDataSample
from ultraref.visualization.case_view import CandidateView, draw_case


def visualize_case(
    cfg: Config, checkpoint: str | None, name: str, out: str | Path, split: str = "test", device: str | None = None
) -> SegDataSample:
    """Predicts one image of a config's data set and draws it: see `draw_case`.

    Args:
        cfg: a config from `load_config`.
        checkpoint: of the whole model; None takes the weights that the config names.
        name: of the image in the set.
        out: PNG to write.
        split: the loader of the config that has the image.
        device: by default CUDA where there is one.

    Returns:
        The prediction.

    Raises:
        FileNotFoundError: checkpoint or images are missing.
        UserError: the checkpoint doesn't fit, or there is no such image.
    """
    return visualize_cases(cfg, checkpoint, {name: out}, split, device)[0]


@torch.inference_mode()
def visualize_cases(
    cfg: Config, checkpoint: str | None, pictures: Mapping[str, str | Path], split: str, device: str | None = None
) -> list[SegDataSample]:
    """As `visualize_case`, of several images by one model. `pictures` says, by name of the image, which PNG to write."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model = init_model(cfg, checkpoint, device)
    dataset = build_dataset(cfg, split, model.sizes)
    places = {name: place_of(dataset, name, f"{split}_dataloader") for name in pictures}
    samples = []
    for name, out in pictures.items():
        packed = dataset[places[name]]
        data = model.data_preprocessor(stack_collate([packed]))
        output = model(data["inputs"], mode="tensor")
        sample = model(**data, mode="predict")[0].cpu()
        inputs = packed["inputs"]
        image = inputs["sam_image" if "sam_image" in inputs else "coarse_image"][0].numpy()
        rows, columns = sample.metainfo.get("content_size", image.shape)
        picture = draw_case(image[:rows, :columns], sample, _candidates(output, image))
        with atomic_file(out) as file:
            file.write(encode_rgb_png(picture))
        samples.append(sample)
    return samples


def _candidates(output, image: np.ndarray) -> list[list[CandidateView]]:
    """Returns SAM's candidates of each decoding of the one image; none of a model without SAM."""
    if isinstance(output, RefinementOutput):
        logits, iou, roi = output.sam.candidate_logits, output.sam.candidate_iou, output.sam.roi
    elif isinstance(output, SAM2RadOutput):
        logits, iou, roi = output.logits, output.iou, None
    else:
        return []
    probs, best = logits.float().sigmoid().cpu().numpy(), iou.argmax(dim=1).tolist()
    return [
        [
            CandidateView(
                seen,
                probs[decoding, k],
                float(iou[decoding, k]),
                f"candidate {k + 1}" if len(probs) == 1 else f"decoding {decoding + 1}, candidate {k + 1}",
                k == best[decoding],
            )
            for k in range(probs.shape[1])
        ]
        for decoding, seen in enumerate(_seen(image, roi, len(probs)))
    ]


def _seen(image: np.ndarray, roi: Tensor | None, count: int) -> list[np.ndarray]:
    """Returns what SAM saw in each decoding: the whole frame, or the crop of the ROI."""
    if roi is None:
        return [image] * count
    whole = torch.from_numpy(image)[None, None].float()
    crops = (crop_bilinear(whole, box[None].float().cpu(), image.shape[0]) for box in roi)
    return [crop[0, 0].clamp(0, 255).round().byte().numpy() for crop in crops]
