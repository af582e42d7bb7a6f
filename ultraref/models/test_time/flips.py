"""Mirrors what a model is given, and turns back what it says."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.test_time.mean_prediction import AVERAGED
from ultraref.structures import GivenPrompts, SegDataSample

# By direction, the axes that turn round: -1 left to right, -2 top to bottom.
DIRECTIONS = {"horizontal": (-1,), "vertical": (-2,), "diagonal": (-2, -1)}
# What the whole image fills.
_WHOLE = ("coarse_image", "coarse_prob", "given_coarse_prob")
# What is no matter of places, or isn't read in a prediction.
_KEPT = ("content_size", "coarse_from_sample", "gt")


def flip_inputs(inputs: Mapping, direction: str) -> dict:
    """Returns a model's inputs as they would be of the mirrored images.

    An image that is padded in SAM's frame is mirrored within its content, as if before the padding, which stays on the right and
    below.

    Args:
        inputs: what a data preprocessor gives, see the segmentors' `forward`.
        direction: of DIRECTIONS.

    Raises:
        UserError: there is an input that can't be mirrored.
    """
    axes = DIRECTIONS[direction]
    flipped = {}
    for name, value in inputs.items():
        if name in _WHOLE:
            flipped[name] = value.flip(axes)
        elif name == "sam_image":
            flipped[name] = flip_content(value, inputs.get("content_size"), axes)
        elif name == "image_hash":
            # The image's own hash would find the embedding of the image as it was.
            flipped[name] = [sha256(f"{digest} {direction}".encode()).hexdigest() for digest in value]
        elif name == "given_prompts":
            flipped[name] = _flip_prompts(value, _content(inputs), axes)
        elif name in _KEPT:
            flipped[name] = value
        else:
            raise UserError(
                f"the model is given {name!r}, which flips at test time don't know how to mirror; test without them"
            )
    return flipped


def flip_content(image: Tensor, content_size: Tensor | None, axes: tuple[int, ...]) -> Tensor:
    """Mirrors images within their content.

    Args:
        image: (B, C, S, S).
        content_size: (B, 2) integer (height, width) of what is not padding, at the top left; None where nothing is.
        axes: of -2 and -1.
    """
    if content_size is None:
        return image.flip(axes)
    places = torch.arange(image.shape[-1], device=image.device)
    for axis in axes:
        sides = content_size[:, axis, None].to(image.device)
        source = torch.where(places < sides, sides - 1 - places, places)  # (B, S)
        index = source[:, None, None, :] if axis == -1 else source[:, None, :, None]
        image = image.gather(axis, index.expand_as(image))
    return image


def turn_back(sample: SegDataSample, direction: str) -> SegDataSample:
    """Mirrors the predicted maps of a sample, which cover the image's content alone, back."""
    for name in AVERAGED:
        if name in sample:
            sample.set_pixels(name, sample.get(name).data.flip(DIRECTIONS[direction]))
    return sample


def _content(inputs: Mapping) -> Tensor:
    """Returns the (B, 2) size of each image in SAM's frame."""
    image, content_size = inputs["sam_image"], inputs.get("content_size")
    if content_size is not None:
        return content_size
    return torch.tensor([image.shape[-2:]], device=image.device).expand(len(image), 2)


def _flip_prompts(given: GivenPrompts, content_size: Tensor, axes: tuple[int, ...]) -> GivenPrompts:
    """Mirrors points and boxes, in pixel-index units: x becomes width - 1 - x."""
    prompts = given.prompts
    if prompts.mask_logits is not None:
        raise UserError("mask prompts that are given can't be mirrored at test time; test without flips")
    last = content_size[given.rows].to(given.rows.device) - 1
    for axis in axes:
        place, end = (0, last[:, 1]) if axis == -1 else (1, last[:, 0])
        if prompts.points is not None:
            points = prompts.points.clone()
            points[..., place] = end[:, None] - points[..., place]
            prompts = replace(prompts, points=points)
        if prompts.box is not None:
            box = prompts.box.clone()
            # What was the upper end is the lower one now.
            box[:, place], box[:, place + 2] = end - prompts.box[:, place + 2], end - prompts.box[:, place]
            prompts = replace(prompts, box=box)
    return GivenPrompts(given.rows, prompts)
