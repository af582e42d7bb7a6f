"""What a refiner takes and gives."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from ultraref.models.sam import ImageEmbedding
from ultraref.structures import GivenPrompts, Prompts


@dataclass(frozen=True)
class RefinerInputs:
    """A batch for a refiner, and what is wanted of it.

    Attributes:
        image: (B, 3, S, S) float RGB in [0, 255]; the refiner normalises it.
        coarse_prob: (B, 1, S, S) float in [0, 1], p in the image's frame.
        coarse_size: side of the coarse network's frame in pixels, whose pixels are the unit of an empty mask; None where it is
            that of the image.
        with_features: whether `features` are wanted, which a gate may read.
        image_hashes: B digests of the images' contents, for a refiner that caches what it computes from them.
        content_size: (B, 2) integer (height, width) of what is image, at the top left, and not padding; None where all
            of it is.
        with_logits: whether `logits` are wanted, which a loss reads.
        given_prompts: what a person asks, of the whole image, in place of the prompts that p would give. q is the maximum over
            an image's decodings then, and no image counts as empty.
        embedding: what SAM's image encoder gives, for a caller that has it: of the whole image, or, where the refiner crops the image
            to the coarse mask and `given_prompts` is None, of that crop. Of `image` the size alone is read then. None computes it.
    """

    image: Tensor
    coarse_prob: Tensor
    coarse_size: int | None = None
    with_features: bool = False
    image_hashes: Sequence[str] | None = None
    content_size: Tensor | None = None
    with_logits: bool = False
    given_prompts: GivenPrompts | None = None
    embedding: ImageEmbedding | None = None


@dataclass(frozen=True)
class Alternatives:
    """SAM's answers at other places than the coarse masks' own, M of them.

    Attributes:
        rows: (M,) long, the image of each.
        prob: (M, 1, S, S) float in [0, 1], without a gradient.
        quality: (M, 3) float32, what the quality head says of the coarse mask and of the answer.
    """

    rows: Tensor
    prob: Tensor
    quality: Tensor


@dataclass(frozen=True)
class RefinerOutput:
    """What a refiner says of a batch.

    Attributes:
        prob: (B, 1, S, S) float in [0, 1], SAM's probability q, before the gate, in the frame of the image that was given.
        rows: (N,) long, ascending: the image that each decoding is of. One decoding an image, 0 to B - 1, unless the refiner takes
            the components of a mask one by one.
        candidate_logits: (N, K, m, m) float, the candidates that q was chosen from, in the ROI's frame.
        candidate_iou: (N, K) float, the IoU that the refiner predicts for each.
        prompts: what SAM was given, N of each, in pixels of the ROI's frame.
        roi: (N, 4) float xyxy in the image's frame, or None where the whole image was used.
        empty: (B,) bool, True where the coarse mask had a mass below one pixel of the coarse frame.
        features: (B, F, e, e) float, image features over the image's frame, 0 where the ROI is more than a cell away; None
            if not asked for.
        logits: (B, 1, S, S) float, whose sigmoid `prob` is, up to interpolation; None if not asked for, or where a refiner has none.
        from_logits: (B, 1, S, S) bool, where that is so. Elsewhere, outside of the ROI for one, `logits` means nothing.
        quality: (B, 3) float32, what a quality head predicts: Dice of the coarse mask and of {q > 0.5}, and the probability of harm
            (`BaseQualityHead`), with a gradient into the head alone; NaN where SAM was not asked. None without a quality head.
        alternatives: answers at other places, of a refiner that asks for them; else None.
    """

    prob: Tensor
    rows: Tensor
    candidate_logits: Tensor
    candidate_iou: Tensor
    prompts: Prompts
    roi: Tensor | None
    empty: Tensor
    features: Tensor | None = None
    logits: Tensor | None = None
    from_logits: Tensor | None = None
    quality: Tensor | None = None
    alternatives: Alternatives | None = None


class BaseRefiner(nn.Module, ABC):
    """Contract: (image, p) -> q, `RefinerInputs` -> `RefinerOutput`. Everything before the gate.

    Attributes:
        image_size: S, side of the images that it takes.
        trained_coarse_size: side of the coarse frame of the masks that it was trained on; None where no checkpoint says it, or
            where it doesn't matter.
        allow_contract_change: whether a checkpoint that was trained on other inputs may be loaded.
    """

    image_size: int
    trained_coarse_size: int | None = None
    allow_contract_change: bool = False

    @abstractmethod
    def forward(self, inputs: RefinerInputs) -> RefinerOutput:
        """Refines a batch."""

    @abstractmethod
    def candidate_target(self, gt: Tensor, output: RefinerOutput) -> Tensor:
        """Returns `gt` (B, 1, S, S) in [0, 1] in the candidates' frame, area-resampled to (N, 1, m, m)."""

    @abstractmethod
    def input_contract(self) -> dict:
        """Returns, as plain values, what a checkpoint of this refiner takes for granted about its inputs."""
