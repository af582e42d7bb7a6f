"""Phases 2 and 3: coarse source, refiner, gate. The phases differ by configuration, not by code."""

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.coarse import CoarseOutput, FromSample
from ultraref.models.gates import CaseFacts, apply_gate
from ultraref.models.gates.case_scores import agreement
from ultraref.models.padding import content_mask, into_sam_frame
from ultraref.models.quality import HARMED_BY
from ultraref.models.refined_logits import refined_logits
from ultraref.models.refiners import RefinerInputs, RefinerOutput
from ultraref.models.roi import crop_to_frame
from ultraref.models.sam import mean_predicted_iou, predicted_iou_of_images
from ultraref.registry import COARSE_SOURCES, GATES, LOSSES, MODELS, REFINERS
from ultraref.structures import SegDataSample

LOSS_ROLES = {
    "coarse": "(coarse logits (B, 2, h, w), ground truth (B, 1, h, w))",
    "candidate_mask": "(candidate logits (B, K, m, m), ground truth (B, 1, m, m))",
    "candidate_iou": "(candidate logits (B, K, m, m), predicted IoU (B, K), ground truth (B, 1, m, m))",
    "refined": "(refined logits (B, 1, S, S), ground truth (B, 1, S, S))",
    "quality": "(predictions of a quality head (M, 3), what they should have been (M, 3))",
    "change": "(q (B, 1, S, S), p (B, 1, S, S), Dice of p against the ground truth (B,))",
}


@dataclass(frozen=True)
class RefinementOutput:
    """One forward pass; p, gate, refined probability and the second opinion are (B, 1, S, S) float in [0, 1] in q's frame."""

    coarse: CoarseOutput
    coarse_prob: Tensor
    sam: RefinerOutput
    gate: Tensor
    refined_prob: Tensor
    opinion: Tensor | None = None


@MODELS.register_module()
class RefinementSegmentor(BaseModel):
    """Coarse probability p, SAM's probability q, and refined = lerp(p, q, gate(p, q)).

    Args:
        coarse_source: config of a coarse source: `FromSample` (phase 2) or `FromNetwork` (phase 3).
        refiner: config of a refiner.
        gate: config of a gate. "No gate" is `ConstantGate(value=1)`.
        losses: role -> config of a loss. The roles, and what each is called with, are in LOSS_ROLES.
        loss_weights: role -> weight, for every role of `losses`.
        coarse_grad_scale: factor on the gradient that the refinement sends into the coarse network; the coarse loss's own
            gradient is not scaled. 1 is the reference; 0 trains the coarse network by its own loss alone.
        data_preprocessor: config of a `SegDataPreprocessor`.
        opinion: config of a coarse source that runs a second coarse network (`FromNetwork`), whose mask tells how far SAM's is to be trusted: the
            gates' score "opinion", and a column of the table of cases. It never trains. None asks none.

    Raises:
        UserError: `losses` has an unknown role, `loss_weights` other roles than `losses`, the refiner was trained on coarse
            masks of another size, or the second coarse network takes images of another size or is none.
    """

    def __init__(
        self,
        coarse_source: dict,
        refiner: dict,
        gate: dict,
        losses: dict[str, dict],
        loss_weights: dict[str, float],
        data_preprocessor: dict,
        coarse_grad_scale: float = 1.0,
        opinion: dict | None = None,
    ):
        super().__init__(data_preprocessor=data_preprocessor)
        # None leaves out a loss that a base config has, and its weight with it.
        left_out = [role for role, config in losses.items() if config is None]
        losses, loss_weights = (
            {role: value for role, value in part.items() if role not in left_out} for part in (losses, loss_weights)
        )
        unknown = sorted(set(losses) - set(LOSS_ROLES))
        if unknown:
            raise UserError(f"model.losses has the unknown roles {unknown}; the roles are {', '.join(LOSS_ROLES)}")
        if set(losses) != set(loss_weights):
            raise UserError(
                f"model.loss_weights is for {sorted(loss_weights)}, model.losses for {sorted(losses)}; they must name the same roles"
            )
        self.coarse_source = COARSE_SOURCES.build(coarse_source)
        self.refiner = REFINERS.build(refiner)
        self.gate = GATES.build(gate)
        self.losses = nn.ModuleDict({role: LOSSES.build(config) for role, config in losses.items()})
        self.loss_weights = dict(loss_weights)
        self.coarse_grad_scale = coarse_grad_scale
        self.opinion = None
        if opinion is not None:
            # What draws random numbers after it draws the same as without it.
            with torch.random.fork_rng(devices=[]):
                self.opinion = COARSE_SOURCES.build(opinion).requires_grad_(False).eval()
        self._check_coarse_size()

    def train(self, mode: bool = True) -> "RefinementSegmentor":
        """As nn.Module.train, but the second coarse network stays in eval mode."""
        super().train(mode)
        if self.opinion is not None:
            self.opinion.eval()
        return self

    @property
    def sizes(self) -> dict[str, int]:
        """Side of the coarse frame and of SAM's in pixels: what the data sets resize to."""
        return {"coarse": self.coarse_source.size, "sam": self.refiner.image_size}

    def input_contract(self) -> dict:
        """Returns the refiner's input contract and the coarse size, which go into every checkpoint's meta."""
        return dict(self.refiner.input_contract(), coarse_size=self.coarse_source.size)

    @property
    def allow_contract_change(self) -> bool:
        """Whether a checkpoint that was trained on other inputs may be loaded."""
        return self.refiner.allow_contract_change

    def _check_coarse_size(self) -> None:
        trained, size = self.refiner.trained_coarse_size, self.coarse_source.size
        if trained not in (None, size):
            raise UserError(
                f"the refiner was trained on coarse masks of {trained} px, and {type(self.coarse_source).__name__} gives some of "
                f"{size} px; make the sizes agree, or set allow_contract_change=True in model.refiner if the change is on purpose"
            )
        if isinstance(self.opinion, FromSample):
            raise UserError(
                "model.opinion: FromSample hands on the coarse mask that is refined; a second opinion comes from another network: take FromNetwork"
            )
        if self.opinion is not None and self.opinion.size != size:
            raise UserError(
                f"model.opinion: its network takes images of {self.opinion.size} px, the coarse source has {size} px; a sample carries the "
                "coarse image at one size, so take networks of the same"
            )
        network = getattr(self.coarse_source, "network", None)
        if getattr(network, "reads_sam_image", False) and network.sam_size != self.refiner.image_size:
            raise UserError(
                f"the coarse network reads SAM's image at {network.sam_size} px, the refiner at {self.refiner.image_size} px; take the same SAM "
                "in both"
            )

    def refine(self, inputs: dict[str, Tensor], with_logits: bool = False) -> RefinementOutput:
        """Runs the whole path of one batch.

        Args:
            inputs: `sam_image` (B, 3, S, S) float in [0, 255]; `content_size` (B, 2), the (height, width) of each image
                that is not padding, where there is padding; and what the coarse source reads. Two more take the place of what
                the model makes itself: `given_coarse_prob` (B, 1, h, h) float in [0, 1], p over the whole image, of the coarse
                source's; `given_prompts`, `GivenPrompts` in SAM's frame, of the prompts. A person's prompts are not weighed
                against p: the gate is 1 then. With `embedding`, as `SAMRefiner.embed` gives it, only the size of `sam_image` is read.
            with_logits: whether the logits of q are wanted, which a loss reads.
        """
        given_coarse, given_prompts = inputs.get("given_coarse_prob"), inputs.get("given_prompts")
        coarse = self.coarse_source(inputs) if given_coarse is None else CoarseOutput(given_coarse)
        image = inputs["sam_image"]
        coarse_prob = scale_gradient(coarse.prob, self.coarse_grad_scale)
        content_size = inputs.get("content_size")
        coarse_prob = into_sam_frame(coarse_prob, image.shape[-1], content_size)

        sam = self.refiner(
            RefinerInputs(
                image,
                coarse_prob,
                coarse.prob.shape[-1],
                with_features=self.gate.feature_channels > 0,
                image_hashes=inputs.get("image_hash"),
                content_size=content_size,
                with_logits=with_logits,
                given_prompts=given_prompts,
                embedding=inputs.get("embedding"),
            )
        )
        # No lesion lies in the padding, whatever SAM paints there. Where there is no coarse mask, SAM was asked about nothing: whatever
        # refiner and gate say, p stays.
        asked = ~sam.empty[:, None, None, None]
        content = asked if content_size is None else content_mask(image.shape[-1], content_size)
        sam = replace(sam, prob=torch.where(asked, sam.prob * content, coarse_prob))
        if sam.from_logits is not None:
            sam = replace(sam, from_logits=sam.from_logits & content & asked)
        opinion = self._second_opinion(inputs) if given_prompts is None else None
        gate = self._weigh(coarse_prob, sam, opinion) if given_prompts is None else torch.ones_like(coarse_prob)
        # lerp is exact at both ends: a gate of 0 gives p and a gate of 1 gives q, bit for bit.
        refined_prob = torch.lerp(coarse_prob, sam.prob, gate)
        return RefinementOutput(coarse, coarse_prob, sam, gate, refined_prob, opinion)

    @torch.no_grad()
    def _second_opinion(self, inputs: dict[str, Tensor]) -> Tensor | None:
        # A gate that reads none trains without it.
        if self.opinion is None or (self.training and not self.gate.reads_facts):
            return None
        return into_sam_frame(self.opinion(inputs).prob, inputs["sam_image"].shape[-1], inputs.get("content_size"))

    def _weigh(self, coarse_prob: Tensor, sam: RefinerOutput, opinion: Tensor | None) -> Tensor:
        facts = None
        if self.gate.reads_facts:
            facts = CaseFacts(
                predicted_iou=mean_predicted_iou(sam.candidate_iou.float(), sam.rows, coarse_prob.shape[0]),
                quality=sam.quality,
                opinion=opinion,
            )
        return apply_gate(self.gate, coarse_prob, sam.prob, sam.features, facts)

    def forward(self, inputs: dict[str, Tensor], data_samples: list[SegDataSample] | None = None, mode: str = "tensor"):
        """Runs the model.

        Args:
            inputs: see `refine`; for mode "loss" also `gt` (B, 1, S, S) float in [0, 1].
            data_samples: the samples of the batch, which mode "predict" fills.
            mode: "loss" gives a dict of losses, "predict" the samples with `coarse`, `sam`, `gate`, `refined` and `prompts`
                filled, "tensor" a `RefinementOutput`.
        """
        if mode == "tensor":
            return self.refine(inputs)
        if mode == "loss":
            return self._loss(self.refine(inputs, with_logits="refined" in self.losses), inputs["gt"])
        if mode == "predict":
            return self._fill(data_samples, self.refine(inputs), inputs.get("content_size"))
        raise UserError(f"mode is {mode!r}; it must be 'loss', 'predict' or 'tensor'")

    def _loss(self, output: RefinementOutput, gt: Tensor) -> dict[str, Tensor]:
        arguments = {}
        if "coarse" in self.losses:
            if output.coarse.logits is None:
                raise UserError(
                    "model.losses has a coarse loss, but the coarse source runs no network; use FromNetwork"
                )
            arguments["coarse"] = (
                output.coarse.logits,
                F.interpolate(gt, output.coarse.logits.shape[-2:], mode="area"),
            )
        if "candidate_mask" in self.losses or "candidate_iou" in self.losses:
            target = self.refiner.candidate_target(gt, output.sam)
            logits = output.sam.candidate_logits
            arguments["candidate_mask"] = (logits, target)
            arguments["candidate_iou"] = (logits, output.sam.candidate_iou, target)
        if "refined" in self.losses:
            sam = output.sam
            logits = refined_logits(output.coarse_prob, sam.prob, output.gate, sam.logits, sam.from_logits)
            arguments["refined"] = (logits, gt)
        if "quality" in self.losses:
            arguments["quality"] = self._quality(output, gt)
        arguments["change"] = (output.sam.prob, output.coarse_prob, hard_dice(output.coarse_prob, gt))
        losses = {}
        for role, loss in self.losses.items():
            # A mean over no decoding would be NaN; the zero keeps the graph, and so all ranks in step.
            unasked = role.startswith("candidate") and len(output.sam.rows) == 0
            unasked = unasked or (role == "quality" and len(arguments[role][0]) == 0)
            value = 0 * output.refined_prob.sum() if unasked else loss(*arguments[role])
            losses[f"loss_{role}"] = self.loss_weights[role] * value
        return losses

    @staticmethod
    def _quality(output: RefinementOutput, gt: Tensor) -> tuple[Tensor, Tensor]:
        """Returns predicted and real Dice of p's and q's masks and harm, (M, 3) each, of the cases that are judged and of the alternatives."""
        predicted = output.sam.quality
        if predicted is None:
            raise UserError(
                "model.losses has a quality loss, but the refiner has no quality head; set "
                "model.refiner.quality_head=dict(type='QualityHead')"
            )
        coarse, sam, refined = (
            hard_dice(prob, gt) for prob in (output.coarse_prob, output.sam.prob, output.refined_prob)
        )
        real = torch.stack([coarse, sam, (refined < coarse - HARMED_BY).to(coarse.dtype)], dim=1)
        found = output.sam.alternatives
        if found is not None:
            # Another place is taken as it is.
            before, after = coarse[found.rows], hard_dice(found.prob, gt[found.rows])
            other = torch.stack([before, after, (after < before - HARMED_BY).to(before.dtype)], dim=1)
            predicted, real = torch.cat([predicted, found.quality]), torch.cat([real, other])
        known = predicted.isfinite().all(dim=1)
        return predicted[known], real[known].to(predicted.dtype)

    @staticmethod
    def _fill(
        data_samples: list[SegDataSample], output: RefinementOutput, content_size: Tensor | None
    ) -> list[SegDataSample]:
        prompts = _prompts_in_image_frame(output)
        empty, rows = output.sam.empty.tolist(), output.sam.rows
        predicted_iou = predicted_iou_of_images(output.sam.candidate_iou, rows, len(empty))
        quality = output.sam.quality
        pixels = dict(coarse=output.coarse_prob, sam=output.sam.prob, gate=output.gate, refined=output.refined_prob)
        opinion = None if output.opinion is None else agreement(output.opinion, output.sam.prob).tolist()
        sizes = [output.gate.shape[-2:]] * len(output.gate) if content_size is None else content_size.tolist()
        for i, (sample, (height, width)) in enumerate(zip(data_samples, sizes)):
            # The image lies at the top left, so that prompts have the same coordinates in its own frame.
            for name, value in pixels.items():
                # The truth in a coarse mask's place is nobody's prediction.
                if name == "coarse" and sample.metainfo.get("coarse_origin") == "truth":
                    continue
                sample.set_pixels(name, value[i, :, :height, :width])
            if "gt_sem_seg" in sample:
                sample.set_pixels("gt_sem_seg", sample.gt_sem_seg.data[:, :height, :width])
            sample.prompts = BaseDataElement(**{name: value[rows == i] for name, value in prompts.items()})
            sample.set_metainfo(dict(coarse_empty=empty[i], predicted_iou=predicted_iou[i]))
            if opinion is not None:
                sample.set_metainfo(dict(opinion=opinion[i]))
            if quality is not None:
                *pair, harm = quality[i].tolist()
                known = not math.isnan(harm)
                sample.set_metainfo(
                    dict(predicted_dice=tuple(pair) if known else None, predicted_harm=harm if known else None)
                )
        return data_samples


def _prompts_in_image_frame(output: RefinementOutput) -> dict[str, Tensor]:
    """Returns points, labels, box and ROI of the batch, those that there are, in the frame of the refined probability."""
    prompts = output.sam.prompts.as_dict()
    prompts.pop("mask_logits", None)
    roi = output.sam.roi
    if roi is not None:
        size = output.refined_prob.shape[-1]
        if "points" in prompts:
            prompts["points"] = crop_to_frame(prompts["points"], roi, size)
        if "box" in prompts:
            prompts["box"] = crop_to_frame(prompts["box"].unflatten(1, (2, 2)), roi, size).flatten(1)
        prompts["roi"] = roi
    return prompts


def scale_gradient(tensor: Tensor, factor: float) -> Tensor:
    """Returns `tensor` unchanged, but multiplies the gradient that comes back through it by `factor`."""
    if factor == 1.0:
        return tensor
    if factor == 0.0:
        return tensor.detach()
    # The value is tensor + 0 exactly; only the second term carries a gradient.
    return tensor.detach() + factor * (tensor - tensor.detach())


@torch.no_grad()
def hard_dice(prob: Tensor, gt: Tensor, smooth: float = 1.0) -> Tensor:
    """Dice of prob > 0.5 and gt > 0.5 per sample, (B,), both (B, 1, H, W); (2 |A n B| + smooth) / (|A| + |B| + smooth)."""
    predicted, target = (prob > 0.5).flatten(1), (gt > 0.5).flatten(1)
    both = (predicted & target).sum(dim=1)
    return (2 * both + smooth) / (predicted.sum(dim=1) + target.sum(dim=1) + smooth)
