"""Images that are ready, through the model, in batches of one form."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from mmengine.model import BaseModel

from ultraref.apis.inference.sample import Prepared
from ultraref.datasets.collate import stack_collate
from ultraref.models.coarse import FromSample
from ultraref.models.quality import mean_quality
from ultraref.structures import GivenPrompts, Prompts, SegDataSample


@torch.inference_mode()
def predict_batch(
    model: BaseModel, device: torch.device, batch: Sequence[Prepared], asked: BaseModel | None = None
) -> list[SegDataSample]:
    """Returns the model's samples of some images, on the CPU, in their order.

    Images with prompts of another form are run apart, as padding a prompt would change SAM's answer: the result of an image doesn't
    depend on its company.

    Args:
        model: a segmentor.
        device: where it is.
        batch: the images.
        asked: what is asked in the model's place, such as the model among its mirror images; by default the model.
    """
    groups = defaultdict(list)
    for place, prepared in enumerate(batch):
        points = 0 if prepared.points is None else len(prepared.points)
        groups[bool(prepared.coarse_parts), prepared.boxes is not None, points].append(place)
    samples: dict[int, SegDataSample] = {}
    for places in groups.values():
        samples.update(zip(places, _predict_alike(model, device, [batch[place] for place in places], asked or model)))
    return [samples[place] for place in range(len(batch))]


@torch.inference_mode()
def coarse_of_batch(model: BaseModel, device: torch.device, batch: Sequence[Prepared]) -> list[np.ndarray]:
    """Returns the coarse probability (h, h) float32 of each image: the one that was given, else the model's own.

    Args:
        model: a refinement model.
        device: where it is.
        batch: the images, with one coarse part each at most.
    """
    probs = {place: prepared.coarse_parts[0] for place, prepared in enumerate(batch) if prepared.coarse_parts}
    if own := [place for place in range(len(batch)) if place not in probs]:
        packed = [batch[place].packed for place in own]
        packed = [dict(part, data_samples=part["data_samples"].clone()) for part in packed]
        inputs = model.data_preprocessor(stack_collate(packed))["inputs"]
        found = model.coarse_source(inputs).prob[:, 0].float().cpu().numpy()
        probs.update(zip(own, found))
    return [probs[place] for place in range(len(batch))]


def _predict_alike(
    model: BaseModel, device: torch.device, batch: Sequence[Prepared], asked: BaseModel
) -> list[SegDataSample]:
    # An image whose lesions are refined one by one is in the batch as often as it has lesions.
    counts = [max(1, len(prepared.coarse_parts)) for prepared in batch]
    rows = [prepared for prepared, count in zip(batch, counts) for _ in range(count)]
    packed = [dict(row.packed, data_samples=row.packed["data_samples"].clone()) for row in rows]
    data = model.data_preprocessor(stack_collate(packed))
    inputs = data["inputs"]
    prompted = batch[0].boxes is not None or batch[0].points is not None
    parts = [part for prepared in batch for part in prepared.coarse_parts]
    # SAM may be asked by a person alone: there is no coarse mask to compare with then.
    no_coarse = prompted and not parts and isinstance(getattr(model, "coarse_source", None), FromSample)
    if no_coarse:
        side = model.sizes["coarse"]
        parts = [np.zeros((side, side), np.float32)] * len(rows)
    if parts:
        inputs["given_coarse_prob"] = torch.from_numpy(np.stack(parts))[:, None].to(device)
    if prompted:
        inputs["given_prompts"] = _given_prompts(rows, device)
    filled = [sample.cpu() for sample in asked(**data, mode="predict")]
    joined = []
    for count in counts:
        joined.append(_join(filled[:count]))
        filled = filled[count:]
    if no_coarse:
        for sample in joined:
            del sample.coarse, sample.gate
    return joined


def _given_prompts(rows: Sequence[Prepared], device: torch.device) -> GivenPrompts:
    """Stacks prompts of one form: each box is a decoding, or the points of an image are one."""
    counts = torch.tensor([1 if row.boxes is None else len(row.boxes) for row in rows])
    prompts = Prompts()
    if rows[0].boxes is not None:
        prompts = replace(prompts, box=torch.cat([row.boxes for row in rows]).to(device))
    if rows[0].points is not None:
        points = torch.stack([row.points for row in rows]).to(device)
        prompts = replace(prompts, points=points[..., :2], labels=points[..., 2])
    return GivenPrompts(torch.repeat_interleave(torch.arange(len(rows)), counts).to(device), prompts)


def _join(parts: Sequence[SegDataSample]) -> SegDataSample:
    """Joins what was said of the lesions of one image: the maximum of each map, and all prompts."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for name in ("coarse", "sam", "gate", "refined"):
        first.set_pixels(name, torch.stack([part.get(name).data for part in parts]).amax(dim=0))
    for name in list(first.prompts.keys()):
        setattr(first.prompts, name, torch.cat([part.prompts.get(name) for part in parts]))
    quality = [part.metainfo["predicted_iou"] for part in parts if part.metainfo["predicted_iou"] is not None]
    if "predicted_dice" in first.metainfo:
        first.set_metainfo(mean_quality([part.metainfo for part in parts]))
    first.set_metainfo(
        dict(
            predicted_iou=sum(quality) / len(quality) if quality else None,
            coarse_empty=all(part.metainfo["coarse_empty"] for part in parts),
        )
    )
    return first
