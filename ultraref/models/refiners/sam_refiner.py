"""The SAM refiner: ROI, prompts, SAM, paste."""

from collections import OrderedDict
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import check_contract, load_part, without_initial_weights
from ultraref.models.mask_statistics import is_empty
from ultraref.models.padding import content_mask
from ultraref.models.refiners.base import BaseRefiner, RefinerInputs, RefinerOutput
from ultraref.models.refiners.box_variants import box_stability
from ultraref.models.refiners.components import ComponentSettings
from ultraref.models.refiners.judging import judge_candidates, judge_cases
from ultraref.models.roi import frame_to_crop
from ultraref.models.sam import (
    EmbeddingCache,
    ImageEmbedding,
    joined_by_maximum,
    select_candidates,
)
from ultraref.models.weights import WeightsUse, check_use
from ultraref.registry import MODELS, PROB_TRANSFORMS, PROMPT_GENERATORS, QUALITY_HEADS, REFINERS, ROI_CROPPERS
from ultraref.structures import Prompts


@REFINERS.register_module()
class SAMRefiner(BaseRefiner):
    """Refines a coarse mask with SAM (reference sections 2.1 to 2.4).

    Args:
        sam: config of a `SAM`.
        prompts: name -> config of a prompt generator, each of another kind; None leaves one out.
        roi: config of an ROI cropper, or None for the whole image.
        prob_transforms: name -> config of a map of p, in the order in which they stand before cropper and generators; None leaves
            one out.
        components: settings of the components of {p > threshold} that SAM is asked about one by one: `min_share`, the least share
            of the mask's area that one holds (0.2); `threshold` (0.5); `keep_below_iou`, a component whose SAM mask agrees with
            it by less stays as it is (0 takes SAM's in every case); `min_area`, the least area of one in pixels of the coarse frame
            (0); `max_lesions`, how many an image has at most, its largest (None: as many as `min_share` leaves room for); `rest`, what
            becomes of the coarse mask's other parts: "drop" makes them background, "keep" leaves them as p has them. q is the maximum
            over the components and what is kept. An image without a component keeps p. None asks once an image, about all of p.
        selection: "best" takes the candidate with the highest predicted IoU, "soft" weighs them by softmax(IoU / 0.1), "quality" takes the one
            whose Dice the quality head predicts highest.
        multimask: three candidates, or SAM's single one.
        quality_head: config of a `BaseQualityHead`, which predicts the Dice of the coarse mask and of SAM's; None predicts none. The rest of
            the model is the same with and without it, bit for bit.
        embedding_cache: folder in which the image embeddings are kept, or None. Needs a frozen image encoder, the whole image
            and `SegDataPreprocessor(hash_images=True)`; with geometric augmentation every image would be new, which
            tools/train.py refuses.
        checkpoint: checkpoint of a refinement model whose part `refiner` is loaded, strictly.
        allow_contract_change: accept a checkpoint that was trained with another ROI, other prompts or other sizes.
        allow_profile_change: give published weights, `sam.checkpoint`, prompts that they were not trained with, or ask them for
            more candidates; a warning then takes the place of the error. Of no effect together with `checkpoint`: a refiner
            that was trained knows what it was trained with.

    Raises:
        ValueError: the checkpoint's input contract differs from this config's, or its weights don't fit; published weights are
            used otherwise than they were trained; a cache was asked for together with an ROI.
    """

    def __init__(
        self,
        sam: dict,
        prompts: dict[str, dict | None],
        roi: dict | None = None,
        prob_transforms: dict[str, dict | None] | None = None,
        components: dict | None = None,
        selection: str = "best",
        multimask: bool = True,
        quality_head: dict | None = None,
        embedding_cache: str | None = None,
        checkpoint: str | None = None,
        allow_contract_change: bool = False,
        allow_profile_change: bool = False,
    ):
        super().__init__()
        for name, parts in (("prompts", prompts), ("prob_transforms", prob_transforms or {})):
            if not isinstance(parts, Mapping):
                raise UserError(
                    f"SAMRefiner: {name} is a {type(parts).__name__}; its parts have names: {name}=dict(NAME=dict(type=...), ...)"
                )
        if selection not in ("best", "soft", "quality"):
            raise UserError(f"SAMRefiner: selection is {selection!r}; it must be 'best', 'soft' or 'quality'")
        if selection == "quality" and quality_head is None:
            raise UserError(
                "SAMRefiner: selection is 'quality', and there is no quality_head that would predict it; set "
                "model.refiner.quality_head=dict(type='QualityHead')"
            )
        if embedding_cache is not None and roi is not None:
            raise UserError(
                "SAMRefiner: embedding_cache needs the whole image (roi=None): the ROI follows the coarse mask, so SAM sees "
                "another crop at each step, and no embedding would ever be used again"
            )
        prompts, prob_transforms = _present(prompts), _present(prob_transforms or {})
        # What parts there are is told by their types; names are the config's own.
        self._contract = dict(
            roi=_plain(roi),
            prompts=_plain(list(prompts.values())),
            prob_transforms=_plain(list(prob_transforms.values())),
            multimask=multimask,
        )
        self.components = None if components is None else ComponentSettings(**components)
        if components is not None:
            self._contract["components"] = self.components.contract()
            if roi is not None and roi.get("outside") == "coarse":
                raise UserError(
                    "model.refiner: with components, roi.outside='coarse' would hand every component the others' pixels; take "
                    "outside='background', or roi=None"
                )
        self.sam = MODELS.build(sam if checkpoint is None else without_initial_weights(sam))
        self.prompt_generators = nn.ModuleDict(
            {name: PROMPT_GENERATORS.build(config) for name, config in prompts.items()}
        )
        self.roi_cropper = None if roi is None else ROI_CROPPERS.build(roi)
        self.prob_transforms = nn.Sequential(
            OrderedDict((name, PROB_TRANSFORMS.build(config)) for name, config in prob_transforms.items())
        )
        self.quality_head = None
        if quality_head is not None:
            # What is built after it starts from the same random weights as without it.
            with torch.random.fork_rng(devices=[]):
                self.quality_head = QUALITY_HEADS.build(quality_head)
        self.image_size = self.sam.image_size
        self.selection, self.multimask = selection, multimask
        self.allow_contract_change = allow_contract_change
        self.embedding_cache = None if embedding_cache is None else EmbeddingCache(embedding_cache)
        if checkpoint is not None:
            meta = load_part(self, checkpoint, prefix="refiner.")
            if not allow_contract_change:
                self._check_contract(meta.get("input_contract"), checkpoint)
        elif (profile := getattr(self.sam, "profile", None)) is not None:
            use = WeightsUse(prompts=self._given_prompts(), candidates=3 if multimask else 1)
            permission = "allow_profile_change=True in model.refiner"
            check_use(profile, use, sam["checkpoint"], permission=permission, allowed=allow_profile_change)

    def input_contract(self) -> dict:
        """Returns ROI, prompts, probability transforms, SAM's size and scale, as plain values."""
        return dict(self._contract, sam_size=self.sam.image_size, sam_scale=self.sam.image_encoder.scale)

    def _given_prompts(self) -> frozenset[str]:
        """Returns the kinds of prompts that the generators make, of any mask."""
        prompts, lesion = Prompts(), torch.zeros(1, 1, 32, 32)
        lesion[..., 8:24, 8:24] = 1.0
        for generator in self.prompt_generators.values():
            prompts = prompts.merge(generator(lesion, 8))
        kinds = {"points": prompts.points, "box": prompts.box, "mask": prompts.mask_logits}
        return frozenset(kind for kind, value in kinds.items() if value is not None)

    def _check_contract(self, stored: dict | None, path: str) -> None:
        stored = dict(stored or {})
        # The model that joins coarse source and refiner compares it.
        self.trained_coarse_size = stored.pop("coarse_size", None)
        check_contract(self.input_contract(), stored or None, f"the refiner in {path}")

    def forward(self, inputs: RefinerInputs) -> RefinerOutput:
        """See `BaseRefiner`. The image must have SAM's size."""
        size = self.sam.image_size
        if inputs.image.shape[-2:] != (size, size):
            raise UserError(
                f"SAMRefiner: the image is {tuple(inputs.image.shape[-2:])}, SAM takes {(size, size)}; the data set's sizes['sam'] must "
                "be SAM's size"
            )
        if inputs.given_prompts is not None:
            return self._answer_given(inputs)
        coarse_prob, content_size, embedding = inputs.coarse_prob, inputs.content_size, inputs.embedding
        with_features = inputs.with_features or self.quality_head is not None
        coarse_pixel_area = self._coarse_pixel_area(inputs)
        prob = self.prob_transforms(coarse_prob)
        # An empty mask has no position: it is marked, and SAM sees the whole image.
        empty = is_empty(prob, coarse_pixel_area)

        # A row for each decoding: an image with all of p, or with one component of it.
        rows, row_prob, found = torch.arange(prob.shape[0], device=prob.device), prob, None
        if self.components is not None:
            found = self.components.find(coarse_prob, coarse_pixel_area)
            rows, row_prob = found.rows, found.alone(prob)
            if len(rows) == 0:
                return self._unasked(coarse_prob, empty, with_features)
            if with_features and self.roi_cropper is not None:
                raise UserError(
                    "model.refiner has components and an ROI, so that SAM sees several crops of an image, and model.gate or the "
                    "quality head reads features of the image; take roi=None, or a gate with feature_channels=0 and no quality_head"
                )

        # Into the ROI's frame, and the image into SAM's embedding.
        roi = None if self.roi_cropper is None else self.roi_cropper(row_prob, coarse_pixel_area)
        roi_prob = row_prob if roi is None else self.roi_cropper.crop(row_prob, roi, size)
        if embedding is None:
            embedding = self._encode(inputs, rows, roi)
        features = None
        if with_features:
            features = embedding.features if roi is None else self._in_image_frame(embedding.features, roi)
        if roi is None and found is not None:
            embedding = embedding[rows]

        # Prompts, and SAM.
        prompts = Prompts()
        for generator in self.prompt_generators.values():
            prompts = prompts.merge(generator(roi_prob, self.sam.mask_size))
        logits, iou = self.sam.decode(embedding, prompts, multimask_output=self.multimask)

        # One candidate is selected first and upsampled after; then back to the image's frame, as probability.
        content = None if content_size is None else content_mask(size, content_size)
        if self.selection == "quality":
            own_content = None if content is None or roi is not None else content[rows]
            quality = judge_candidates(self.quality_head, logits, iou, roi_prob, embedding.features, own_content)
            selected = select_candidates(logits, quality)
        else:
            selected = select_candidates(logits, iou, self.selection)
        answer_logits = F.interpolate(selected.float(), (size, size), mode="bilinear", align_corners=False)
        answer, from_logits = answer_logits.sigmoid(), torch.ones_like(answer_logits, dtype=torch.bool)
        if roi is not None:
            outside = coarse_prob if self.roi_cropper.outside == "coarse" else torch.zeros_like(coarse_prob)
            answer = self.roi_cropper.paste(answer, roi, (size, size), outside[rows])
            if inputs.with_logits:
                answer_logits, from_logits = self.roi_cropper.paste_logits(answer_logits, roi, (size, size))
        if found is not None:
            answer, answer_logits, from_logits = self.components.join(
                answer, answer_logits, from_logits, found, coarse_prob
            )
        if not inputs.with_logits:
            answer_logits = from_logits = None
        quality = None
        if self.quality_head is not None:
            head = self.quality_head
            stability = box_stability(self.sam, embedding, prompts, selected, head.box_scales, self.multimask)
            quality = judge_cases(head, coarse_prob, answer, features, iou, stability, rows, content)
            quality = quality.masked_fill(empty[:, None], torch.nan)
        return RefinerOutput(
            answer, rows, logits, iou, prompts, roi, empty, features, answer_logits, from_logits, quality
        )

    def _answer_given(self, inputs: RefinerInputs) -> RefinerOutput:
        """What SAM answers to a person's prompts: the maximum over the decodings of each image."""
        given, embedding = inputs.given_prompts, inputs.embedding
        if embedding is None:
            embedding = self._encode_whole(inputs)
        logits, iou = self.sam.decode(embedding[given.rows], given.prompts, multimask_output=self.multimask)
        selected = select_candidates(logits, iou, self.selection).float()
        size = (self.sam.image_size, self.sam.image_size)
        answers = F.interpolate(selected, size, mode="bilinear", align_corners=False).sigmoid()
        prob = joined_by_maximum(answers, given.rows, len(embedding.features))
        empty = torch.zeros(len(prob), dtype=torch.bool, device=prob.device)
        features = embedding.features if inputs.with_features else None
        return RefinerOutput(prob, given.rows, logits, iou, given.prompts, None, empty, features)

    def _unasked(self, coarse_prob: Tensor, empty: Tensor, with_features: bool) -> RefinerOutput:
        """What comes out where no image has a component: p itself, and no decoding."""
        side, kinds = self.sam.mask_size, 3 if self.multimask else 1
        logits, iou = coarse_prob.new_zeros(0, kinds, side, side), coarse_prob.new_zeros(0, kinds)
        roi = None if self.roi_cropper is None else coarse_prob.new_zeros(0, 4)
        rows = torch.zeros(0, dtype=torch.long, device=coarse_prob.device)
        # A gate between p and p, which is all that there is, may read anything.
        size = (len(coarse_prob), self.sam.embed_dim, self.sam.embedding_size, self.sam.embedding_size)
        features = coarse_prob.new_zeros(size) if with_features else None
        unknown = None if self.quality_head is None else torch.full((len(coarse_prob), 3), torch.nan).to(coarse_prob)
        return RefinerOutput(coarse_prob, rows, logits, iou, Prompts(), roi, empty, features, quality=unknown)

    def embed(self, inputs: RefinerInputs) -> ImageEmbedding:
        """Returns the embedding that `forward` decodes: of each whole image, or of its ROI, which follows the mask.

        Not for an ROI with components, where an image has several. Without an ROI `coarse_prob` isn't read.
        """
        roi, rows = None, torch.arange(inputs.image.shape[0], device=inputs.image.device)
        if self.roi_cropper is not None:
            roi = self.roi_cropper(self.prob_transforms(inputs.coarse_prob), self._coarse_pixel_area(inputs))
        return self._encode(inputs, rows, roi)

    def _coarse_pixel_area(self, inputs: RefinerInputs) -> float:
        """Of one coarse pixel, in pixels of SAM's frame."""
        return 1.0 if inputs.coarse_size is None else self.sam.image_size**2 / inputs.coarse_size**2

    def _encode(self, inputs: RefinerInputs, rows: Tensor, roi: Tensor | None) -> ImageEmbedding:
        """Encodes the whole images, or, N of them, the ROIs (N, 4) of the images at `rows`."""
        if roi is None:
            return self._encode_whole(inputs)
        # The whole image is normalised, not each crop of it.
        whole = self.sam.normalise(inputs.image, inputs.content_size)[rows]
        return self.sam.encode(self.roi_cropper.crop_image(whole, roi, self.sam.image_size))

    def _encode_whole(self, inputs: RefinerInputs) -> ImageEmbedding:
        if self.embedding_cache is not None:
            return self.embedding_cache.encode(self.sam, inputs.image, inputs.image_hashes or (), inputs.content_size)
        return self.sam.encode(self.sam.normalise(inputs.image, inputs.content_size))

    def _in_image_frame(self, features: Tensor, roi: Tensor) -> Tensor:
        """Returns the features (B, C, e, e) of crops over the image's frame, at their own resolution."""
        # Seen from the crop, the image's frame is a box around it: cutting that out is the inverse of cropping.
        side = features.shape[-1]
        corners = roi.new_tensor([[-0.5, -0.5], [self.sam.image_size - 0.5] * 2]).expand(roi.shape[0], -1, -1)
        frame = frame_to_crop(corners, roi, side).flatten(1)
        return self.roi_cropper.crop(features.float(), frame, side)

    def candidate_target(self, gt: Tensor, output: RefinerOutput) -> Tensor:
        """See `BaseRefiner.candidate_target`."""
        mask_size, gt = output.candidate_logits.shape[-1], gt[output.rows]
        if output.roi is None:
            return F.interpolate(gt, (mask_size, mask_size), mode="area")
        return self.roi_cropper.crop_area(gt, output.roi.detach(), mask_size)


def _present(parts: dict[str, dict | None]) -> dict[str, dict]:
    """The named parts that a config has not left out."""
    return {name: config for name, config in parts.items() if config is not None}


def _plain(value):
    """Turns configs (ConfigDict, tuples) into dicts and lists, which a checkpoint can hold and compare."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
