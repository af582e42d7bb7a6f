"""SAM2Rad: SAM prompted by what a network reads from its image embedding. There is no coarse mask."""

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.sam import EmbeddingCache, ImageEmbedding, joined_by_maximum, predicted_iou_of_images
from ultraref.models.weights import WeightsUse, check_use
from ultraref.registry import LOSSES, MODELS, PROMPT_PREDICTORS
from ultraref.structures import Prompts, SegDataSample

LOSS_ROLES = {
    "mask": "(mask logits (B, 1, m, m), ground truth (B, 1, m, m))",
    "points": "(points (B, N, 2) and ground truth (B, N, 2) as shares of SAM's frame, valid (B,))",
    "labels": "(label logits (B, N), ground truth (B, N), valid (B,))",
}


@dataclass(frozen=True)
class SAM2RadOutput:
    """One forward pass.

    Attributes:
        rows: (N,) long, the image that each decoding is of: 0 to B - 1, unless a person's prompts ask about one more than once.
        prompts: what SAM was given, N of each, in pixel-index units of SAM's input.
        logits: (N, 1, m, m) mask logits.
        iou: (N, 1) predicted IoU.
    """

    rows: Tensor
    prompts: Prompts
    logits: Tensor
    iou: Tensor


@MODELS.register_module()
class SAM2RadSegmentor(BaseModel):
    """Image encoder -> prompt predictor -> prompt encoder and mask decoder (reference of SAM2Rad).

    Args:
        sam: config of a `SAM`; frozen but for LoRA and the mask decoder in the reference.
        prompt_predictor: config of a prompt predictor; its `embed_dim` is filled in.
        losses: role -> config of a loss. The roles, and what each is called with, are in LOSS_ROLES.
        loss_weights: role -> weight, for every role of `losses`.
        data_preprocessor: config of a `SegDataPreprocessor`.
        embedding_cache: folder in which the image embeddings are kept, or None. Needs a frozen image encoder without LoRA and
            `SegDataPreprocessor(hash_images=True)`; tools/train.py refuses augmentation that makes a new image each time.
        allow_profile_change: give published weights, `sam.checkpoint`, prompts that they were not trained with, because they are to
            learn them here; a warning then takes the place of the error.

    Raises:
        ValueError: `losses` has an unknown role, or `loss_weights` other roles than `losses`; published weights are given prompts that
            they don't know.
    """

    def __init__(
        self,
        sam: dict,
        prompt_predictor: dict,
        losses: dict[str, dict],
        loss_weights: dict[str, float],
        data_preprocessor: dict | None = None,
        embedding_cache: str | None = None,
        allow_profile_change: bool = False,
    ):
        super().__init__(data_preprocessor=data_preprocessor)
        unknown = sorted(set(losses) - set(LOSS_ROLES))
        if unknown:
            raise UserError(f"model.losses has the unknown roles {unknown}; the roles are {', '.join(LOSS_ROLES)}")
        if set(losses) != set(loss_weights):
            raise UserError(
                f"model.loss_weights is for {sorted(loss_weights)}, model.losses for {sorted(losses)}; they must name "
                "the same roles"
            )
        self.sam = MODELS.build(sam)
        self.prompt_predictor = PROMPT_PREDICTORS.build(
            prompt_predictor, default_args={"embed_dim": self.sam.embed_dim}
        )
        self.losses = nn.ModuleDict({role: LOSSES.build(config) for role, config in losses.items()})
        self.loss_weights = dict(loss_weights)
        if self.sam.profile is not None:
            use = WeightsUse(prompts=self.prompt_predictor.kinds, candidates=1)
            permission = "allow_profile_change=True in model"
            check_use(self.sam.profile, use, sam["checkpoint"], permission=permission, allowed=allow_profile_change)
        self.embedding_cache = None if embedding_cache is None else EmbeddingCache(embedding_cache)

    @property
    def sizes(self) -> dict[str, int]:
        """Side of SAM's frame in pixels: what the data sets resize to."""
        return {"sam": self.sam.image_size}

    def input_contract(self) -> dict:
        """Returns SAM's size and scale, which go into every checkpoint's meta."""
        return dict(sam_size=self.sam.image_size, sam_scale=self.sam.image_encoder.scale)

    def init_weights(self) -> None:
        """Prints what trains; called by the runner before training."""
        super().init_weights()
        print_log(f"Trainable parameters:\n{self.describe_trainable()}", logger="current")

    def describe_trainable(self) -> str:
        """Returns the number of trainable parameters of each part, one a line."""
        parts = {
            "sam.image_encoder": self.sam.image_encoder,
            "sam.prompt_encoder": self.sam.prompt_encoder,
            "sam.mask_decoder": self.sam.mask_decoder,
            "prompt_predictor": self.prompt_predictor,
        }
        lines = []
        for name, part in parts.items():
            numbers = [(p.numel(), p.requires_grad) for p in part.parameters()]
            trained = sum(number for number, trains in numbers if trains)
            lines.append(f"  {name}: {trained:,} of {sum(number for number, _ in numbers):,}")
        return "\n".join(lines)

    def embed(self, inputs: dict[str, Tensor]) -> ImageEmbedding:
        """Returns SAM's embedding of the images of a batch; see `segment`."""
        image, content_size = inputs["sam_image"], inputs.get("content_size")
        if self.embedding_cache is not None:
            return self.embedding_cache.encode(self.sam, image, inputs.get("image_hash", ()), content_size)
        return self.sam.encode(self.sam.normalise(image, content_size))

    def segment(self, inputs: dict[str, Tensor]) -> SAM2RadOutput:
        """Runs the whole path of one batch.

        Args:
            inputs: `sam_image` (B, 3, S, S) float in [0, 255]; `content_size` (B, 2), the (height, width) of each image
                that is not padding, where there is padding; with an embedding cache `image_hash`, B digests of the images;
                `given_prompts`, `GivenPrompts` of a person, which take the place of the predictor's; `embedding`, what `embed` gives
                of the images, in place of them.
        """
        embedding = inputs.get("embedding")
        if embedding is None:
            embedding = self.embed(inputs)
        given = inputs.get("given_prompts")
        if given is not None:
            logits, iou = self.sam.decode(embedding[given.rows], given.prompts, multimask_output=False)
            return SAM2RadOutput(given.rows, given.prompts, logits, iou)
        prompts = self.prompt_predictor(embedding.features, self.sam.image_size, self.sam.mask_size)
        # SAM takes the prompts alone, without what a predictor adds for its own losses.
        known = {field.name: getattr(prompts, field.name) for field in fields(Prompts)}
        logits, iou = self.sam.decode(embedding, Prompts(**known), multimask_output=False)
        return SAM2RadOutput(torch.arange(logits.shape[0], device=logits.device), prompts, logits, iou)

    def probability(self, output: SAM2RadOutput) -> Tensor:
        """Returns (N, 1, S, S) in [0, 1] in SAM's frame."""
        size = (self.sam.image_size, self.sam.image_size)
        return F.interpolate(output.logits.float(), size, mode="bilinear", align_corners=False).sigmoid()

    def forward(self, inputs: dict[str, Tensor], data_samples: list[SegDataSample] | None = None, mode: str = "tensor"):
        """Runs the model.

        Args:
            inputs: see `segment`; for mode "loss" also `gt` (B, 1, S, S) float in [0, 1] and, for the losses of points,
                `gt_points` (B, N, 2) in pixels of SAM's input, `gt_point_labels` (B, N) and `gt_points_valid` (B,).
            data_samples: the samples of the batch, which mode "predict" fills.
            mode: "loss" gives a dict of losses; "predict" the samples with `refined`, the probability of the image's
                content without the padding, and `prompts`; "tensor" a `SAM2RadOutput`.
        """
        if mode == "tensor":
            return self.segment(inputs)
        if mode == "loss":
            return self._loss(self.segment(inputs), inputs)
        if mode == "predict":
            return self._fill(data_samples, self.segment(inputs), inputs.get("content_size"))
        raise UserError(f"mode is {mode!r}; it must be 'loss', 'predict' or 'tensor'")

    def _loss(self, output: SAM2RadOutput, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        arguments = {}
        if "mask" in self.losses:
            target = F.interpolate(inputs["gt"], output.logits.shape[-2:], mode="area")
            arguments["mask"] = (output.logits, target)
        if "points" in self.losses or "labels" in self.losses:
            self._require_points(output.prompts, inputs)
            size, valid = self.sam.image_size, inputs["gt_points_valid"]
            arguments["points"] = (output.prompts.points / size, inputs["gt_points"] / size, valid)
            arguments["labels"] = (output.prompts.label_logits, inputs["gt_point_labels"], valid)
        return {f"loss_{role}": self.loss_weights[role] * loss(*arguments[role]) for role, loss in self.losses.items()}

    def _require_points(self, prompts: Prompts, inputs: dict[str, Tensor]) -> None:
        if prompts.points is None:
            raise UserError(
                f"model.losses has losses of points, but {type(self.prompt_predictor).__name__} predicts none; "
                "remove them"
            )
        if "gt_points" not in inputs:
            raise UserError(
                "model.losses has losses of points, but the samples carry none; put GroundTruthPoints and "
                "PackSAM2RadInputs into the training pipeline"
            )

    def _fill(
        self, data_samples: list[SegDataSample], output: SAM2RadOutput, content_size: Tensor | None
    ) -> list[SegDataSample]:
        prob = joined_by_maximum(self.probability(output), output.rows, len(data_samples))
        predicted_iou = predicted_iou_of_images(output.iou, output.rows, len(data_samples))
        shown = {k: v for k, v in output.prompts.as_dict().items() if k in ("points", "labels", "box")}
        sizes = [prob.shape[-2:]] * len(prob) if content_size is None else content_size.tolist()
        for i, (sample, (height, width)) in enumerate(zip(data_samples, sizes)):
            # The content lies at the top left, so that prompts have the same coordinates in its frame.
            sample.set_pixels("refined", prob[i, :, :height, :width])
            if "gt_sem_seg" in sample:
                sample.set_pixels("gt_sem_seg", sample.gt_sem_seg.data[:, :height, :width])
            sample.prompts = BaseDataElement(**{name: value[output.rows == i] for name, value in shown.items()})
            sample.set_metainfo(dict(predicted_iou=predicted_iou[i]))
        return data_samples
