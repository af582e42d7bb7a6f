"""The parts that a model falls into when it leaves Python: coarse network, image encoder, and all that comes after.

Each takes images as grey values in [0, 255] and scales them itself.
"""

from dataclasses import dataclass

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.coarse import FromNetwork, FromSample
from ultraref.models.coarse.encoder_decoder import foreground_prob
from ultraref.models.data_preprocessor import SegDataPreprocessor
from ultraref.models.padding import into_sam_frame
from ultraref.models.refiners import RefinerInputs, SAMRefiner
from ultraref.models.sam import SAM, ImageEmbedding
from ultraref.models.segmentors import CoarseSegmentor, RefinementSegmentor, SAM2RadSegmentor


@dataclass(frozen=True)
class Part:
    """A part of a model, as a function of tensors.

    Attributes:
        module: takes and returns tensors alone, in eval mode.
        inputs: names of what it takes, in that order.
        outputs: names of what it returns.
    """

    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class CoarsePart(nn.Module):
    """Image (B, 1, h, h) -> coarse probability (B, 1, h, h)."""

    def __init__(self, network: nn.Module, preprocessor: SegDataPreprocessor):
        super().__init__()
        self.network, self.mean, self.std = network, preprocessor.coarse_mean, preprocessor.coarse_std

    def forward(self, coarse_image: Tensor) -> Tensor:
        """Args: coarse_image: grey, in [0, 255]."""
        return foreground_prob(self.network((coarse_image / 255 - self.mean) / self.std))


class ImageEncoderPart(nn.Module):
    """Image (B, 1, S, S) -> SAM's embedding (B, C, e, e), of all of it or of the region around the coarse mask."""

    def __init__(self, model: BaseModel, inputs: tuple[str, ...]):
        super().__init__()
        self.model, self.inputs = model, inputs

    def forward(self, *tensors: Tensor) -> Tensor:
        """Takes what `inputs` names: sam_image, grey in [0, 255]; content_size; coarse_prob."""
        given = dict(zip(self.inputs, tensors))
        given["sam_image"] = given["sam_image"].expand(-1, 3, -1, -1)
        if isinstance(self.model, SAM2RadSegmentor):
            return self.model.embed(given).features
        prob, content_size = None, given.get("content_size")
        if "coarse_prob" in given:
            prob = into_sam_frame(given["coarse_prob"], self.model.refiner.image_size, content_size)
        size = self.model.coarse_source.size
        inputs = RefinerInputs(given["sam_image"], prob, size, content_size=content_size)
        return self.model.refiner.embed(inputs).features


class RefinePart(nn.Module):
    """Embedding and coarse probability -> refined, sam and gate, (B, 1, S, S) each: prompts, decoder, paste, gate.

    Args:
        model: with the coarse source `FromSample`.
        inputs: names of what it takes.
    """

    def __init__(self, model: RefinementSegmentor, inputs: tuple[str, ...]):
        super().__init__()
        self.model, self.inputs = model, inputs

    def forward(self, *tensors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Takes what `inputs` names: embedding, coarse_prob, content_size."""
        given = dict(zip(self.inputs, tensors))
        features, size = given["embedding"], self.model.refiner.image_size
        # Of the image the size alone is read, as its embedding is given.
        unread = features.new_zeros(1).expand(features.shape[0], 3, size, size)
        output = self.model.refine({**given, "embedding": ImageEmbedding(features), "sam_image": unread})
        return output.refined_prob, output.sam.prob, output.gate


class PromptedPart(nn.Module):
    """SAM2Rad's embedding -> probability (B, 1, S, S)."""

    def __init__(self, model: SAM2RadSegmentor):
        super().__init__()
        self.model = model

    def forward(self, embedding: Tensor) -> Tensor:
        """Args: embedding: (B, C, e, e)."""
        return self.model.probability(self.model.segment({"embedding": ImageEmbedding(embedding)}))


def split_into_parts(model: BaseModel, padded: bool) -> dict[str, Part]:
    """Takes a model apart. Returns its parts by name, in the order in which they run.

    Args:
        model: in eval mode; of no other use afterwards, as its coarse source is replaced.
        padded: whether its images are padded, so that it must be told how much of them is image.

    Raises:
        UserError: the model, or something in it, can't leave Python; says what and why.
    """
    size = ("content_size",) if padded else ()
    if isinstance(model, CoarseSegmentor):
        return {"coarse": _coarse_part(model.network, model)}
    if isinstance(model, SAM2RadSegmentor):
        _check_sam(model.sam)
        inputs = ("sam_image", *size)
        return {
            "image_encoder": Part(ImageEncoderPart(model, inputs).eval(), inputs, ("embedding",)),
            "refine": Part(PromptedPart(model).eval(), ("embedding",), ("refined",)),
        }
    if not isinstance(model, RefinementSegmentor):
        raise UserError(
            f"export: {type(model).__name__} is none of ultraref's models, and how it falls into parts isn't known"
        )
    _check_refiner(model.refiner)
    _drop_advisers(model)
    parts, source = {}, model.coarse_source
    if isinstance(source, FromNetwork):
        parts["coarse"] = _coarse_part(source.network, model)
        model.coarse_source = FromSample(source.size)
    elif not isinstance(source, FromSample):
        raise UserError(
            f"export: model.coarse_source is {type(source).__name__}; FromNetwork and FromSample can be exported. Export the model "
            "that makes the coarse masks by itself, and the refinement with FromSample"
        )
    # The region of interest follows the coarse mask, and SAM sees that alone.
    roi = ("coarse_prob",) if model.refiner.roi_cropper is not None else ()
    encoder, rest = ("sam_image", *size, *roi), ("embedding", "coarse_prob", *size)
    parts["image_encoder"] = Part(ImageEncoderPart(model, encoder).eval(), encoder, ("embedding",))
    parts["refine"] = Part(RefinePart(model, rest).eval(), rest, ("refined", "sam", "gate"))
    return parts


def _coarse_part(network: nn.Module, model: BaseModel) -> Part:
    if getattr(network, "reads_sam_image", False):
        raise UserError(
            "export: the coarse network reads SAM's embedding besides its image, which the exported parts don't hand on; use --format bundle"
        )
    return Part(CoarsePart(network, model.data_preprocessor).eval(), ("coarse_image",), ("coarse_prob",))


def _drop_advisers(model: RefinementSegmentor) -> None:
    """Takes off what says something about the masks and changes none: a quality head, whose search for components can't be recorded, and a second network."""
    refiner = model.refiner
    scores = {getattr(part, "score", None) for part in model.gate.modules()}
    if refiner.quality_head is not None and (refiner.selection == "quality" or scores & {"quality", "gain", "safety"}):
        raise UserError(
            "export: what model.refiner.quality_head predicts decides here, and it counts components, which a graph can't: how long that "
            "takes depends on the mask. Use --format bundle"
        )
    if model.opinion is not None and "opinion" in scores:
        raise UserError(
            "export: model.gate goes by a second coarse network, model.opinion, and the exported parts have one. Use --format bundle"
        )
    refiner.quality_head = model.opinion = None


def _check_refiner(refiner: nn.Module) -> None:
    if type(refiner) is not SAMRefiner:
        raise UserError(f"export: model.refiner is {type(refiner).__name__}; SAMRefiner alone can be exported")
    if refiner.components is not None:
        raise UserError(
            "export: model.refiner.components can't be exported: how often SAM is asked, and how long the search for components takes, "
            "depend on the mask, and a graph has neither. Use --format bundle, or a model without components"
        )
    _check_sam(refiner.sam)


def _check_sam(sam: SAM) -> None:
    with torch.no_grad():
        first = next(sam.parameters())
        embedding = sam.encode(first.new_zeros(1, 3, sam.image_size, sam.image_size))
    if embedding.high_resolution:
        raise UserError(
            f"export: {sam.image_encoder.describe()} gives finer maps besides the embedding, which the exported parts don't hand on"
        )
