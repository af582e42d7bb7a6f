"""The SAM refiner, which also asks at other places and lets a quality head choose."""

from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.padding import content_mask
from ultraref.models.quality import COARSE, HARM, SAM_MASK, CaseEvidence
from ultraref.models.refiners.base import Alternatives, RefinerInputs, RefinerOutput
from ultraref.models.refiners.box_variants import box_stability
from ultraref.models.refiners.sam_refiner import SAMRefiner
from ultraref.models.sam import select_candidates
from ultraref.registry import PROPOSALS, REFINERS
from ultraref.structures import Prompts


@REFINERS.register_module()
class SearchingRefiner(SAMRefiner):
    """A `SAMRefiner` that asks SAM at further boxes of an image, all in one batch of the decoder, and keeps the answer that promises most.

    q is the answer whose Dice the quality head predicts highest, of the refiner's own and of those to the proposals; another than the
    refiner's own must promise `margin` more. Where none promises more than the coarse mask plus `margin`, q is p: it abstains.

    Training is that of a `SAMRefiner`, and q its own answer; the answers to the proposals go into the quality loss, so that the head knows masks at
    wrong places. They have no gradient.

    Args:
        proposals: name -> config of a proposal; None leaves one out.
        margin: by how much predicted Dice must rise for another answer, or for any.
        ask_below: predicted Dice in (0, 1] from which on an image isn't asked about again: that of the coarse mask, or of SAM's own answer. It
            spares the decodings of images that look good already. In training all are asked about.
        **options: those of `SAMRefiner`; a `quality_head` is needed, and an ROI can't be.

    Raises:
        UserError: there is no quality head or no proposal, there is an ROI, or `ask_below` is out of range; and as `SAMRefiner`.
    """

    def __init__(self, proposals: Mapping[str, dict | None], margin: float = 0.0, ask_below: float = 1.0, **options):
        super().__init__(**options)
        if self.quality_head is None:
            raise UserError(
                "SearchingRefiner: nothing would tell its answers apart; set model.refiner.quality_head=dict(type='QualityHead')"
            )
        if self.roi_cropper is not None:
            raise UserError("SearchingRefiner: it asks about places of the whole image; set model.refiner.roi=None")
        built = {name: PROPOSALS.build(config) for name, config in proposals.items() if config is not None}
        if not built:
            raise UserError("SearchingRefiner: proposals has none; take SAMRefiner, or name one")
        self.proposals = nn.ModuleDict(built)
        if not 0 < ask_below <= 1:
            raise UserError(f"SearchingRefiner: ask_below={ask_below}; it must lie in (0, 1]")
        self.margin, self.ask_below = margin, ask_below

    def forward(self, inputs: RefinerInputs) -> RefinerOutput:
        """See `BaseRefiner`."""
        if inputs.embedding is None:
            inputs = replace(inputs, embedding=self._encode_whole(inputs))
        own = super().forward(inputs)
        if inputs.given_prompts is not None:
            return own
        # Where SAM was not asked at all nothing is predicted, and no comparison holds.
        promise = own.quality[:, [COARSE, SAM_MASK]].amax(dim=1)
        asked = promise.isfinite() if self.training else promise <= self.ask_below
        own = replace(own, alternatives=self._ask(inputs, asked.nonzero()[:, 0]))
        return own if self.training else self._choose(own, inputs.coarse_prob)

    def _ask(self, inputs: RefinerInputs, images: Tensor) -> Alternatives:
        """Returns SAM's answers to the proposals of the images at `images`, (A,) long."""
        coarse_prob, embedding = inputs.coarse_prob, inputs.embedding
        nothing = Alternatives(
            images[:0], coarse_prob.new_zeros(0, *coarse_prob.shape[1:]), coarse_prob.new_zeros(0, 3)
        )
        if len(images) == 0:
            return nothing
        with torch.no_grad():
            made = []
            for proposal in self.proposals.values():
                proposal.check_sam(self.sam)
                made.append(proposal(coarse_prob.detach()[images], embedding[images]))
            rows, boxes = (torch.cat([getattr(part, name) for part in made]) for name in ("rows", "boxes"))
            rows = images[rows]
            if len(rows) == 0:
                return nothing
            own, prompts = embedding[rows], Prompts(box=boxes)
            logits, iou = self.sam.decode(own, prompts, multimask_output=self.multimask)
            selected = select_candidates(logits, iou)
            stability = box_stability(self.sam, own, prompts, selected, self.quality_head.box_scales, self.multimask)
            size = coarse_prob.shape[-2:]
            prob = F.interpolate(selected.float(), size, mode="bilinear", align_corners=False).sigmoid()
            content = None if inputs.content_size is None else content_mask(size[0], inputs.content_size)[rows]
            if content is not None:
                prob = prob * content
        shown = coarse_prob.detach()[rows]
        evidence = CaseEvidence(shown, prob, own.features.detach(), iou.float().amax(dim=1), stability, content)
        return Alternatives(rows, prob, self.quality_head(evidence))

    def _choose(self, own: RefinerOutput, coarse_prob: Tensor) -> RefinerOutput:
        """Returns the output with the answer that promises most as q, or p where none promises enough."""
        found, predicted = own.alternatives, own.quality
        dice, count = found.quality[:, SAM_MASK], len(found.rows)
        promise = predicted.new_full((len(predicted),), -torch.inf).scatter_reduce(0, found.rows, dice, "amax")
        # Of an image's alternatives the first of those that promise most.
        places = torch.arange(count, device=dice.device).masked_fill(dice < promise[found.rows], count)
        first = places.new_full((len(predicted),), count).scatter_reduce(0, found.rows, places, "amin")
        # Where SAM was not asked, nothing is predicted, and no comparison holds.
        better = promise > predicted[:, SAM_MASK] + self.margin
        images = better.nonzero()[:, 0]
        prob = own.prob.index_copy(0, images, found.prob[first[images]].to(own.prob.dtype))
        promise = torch.where(better, promise, predicted[:, SAM_MASK])
        abstains = promise <= predicted[:, COARSE] + self.margin
        prob = torch.where(abstains[:, None, None, None], coarse_prob, prob)
        promise = torch.where(abstains, predicted[:, COARSE], promise)
        harm = predicted[:, HARM].index_copy(0, images, found.quality[first[images], HARM]).masked_fill(abstains, 0.0)
        from_logits = own.from_logits
        if from_logits is not None:
            from_logits = from_logits & ~(better | abstains)[:, None, None, None]
        predicted = torch.stack([predicted[:, COARSE], promise, harm], dim=1)
        return replace(own, prob=prob, quality=predicted, from_logits=from_logits)
