"""The SAM refiner: ROI, prompts, SAM, paste."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import load_part, without_initial_weights
from ultraref.models.mask_statistics import is_empty
from ultraref.models.refiners.base import BaseRefiner, RefinerOutput
from ultraref.models.roi import frame_to_crop
from ultraref.models.sam import EmbeddingCache, select_candidates
from ultraref.models.weights import WeightsUse, check_use
from ultraref.registry import MODELS, PROB_TRANSFORMS, PROMPT_GENERATORS, REFINERS, ROI_CROPPERS
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
        selection: "best" takes the candidate with the highest predicted IoU, "soft" weighs them by softmax(IoU / 0.1).
        multimask: three candidates, or SAM's single one.
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
        selection: str = "best",
        multimask: bool = True,
        embedding_cache: str | None = None,
        checkpoint: str | None = None,
        allow_contract_change: bool = False,
        allow_profile_change: bool = False,
    ):
        super().__init__()
        if selection not in ("best", "soft"):
            raise UserError(f"SAMRefiner: selection is {selection!r}; it must be 'best' or 'soft'")
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
        self.sam = MODELS.build(sam if checkpoint is None else without_initial_weights(sam))
        self.prompt_generators = nn.ModuleDict(
            {name: PROMPT_GENERATORS.build(config) for name, config in prompts.items()}
        )
        self.roi_cropper = None if roi is None else ROI_CROPPERS.build(roi)
        self.prob_transforms = nn.Sequential(
            OrderedDict((name, PROB_TRANSFORMS.build(config)) for name, config in prob_transforms.items())
        )
        self.image_size = self.sam.image_size
        self.selection, self.multimask = selection, multimask
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
        own = self.input_contract()
        if stored is not None:
            # Checkpoints of a time when there was one scale don't name it.
            stored = {"sam_scale": "imagenet", **stored}
            # The model that joins coarse source and refiner compares it.
            self.trained_coarse_size = stored.get("coarse_size")
        differing = [key for key in own if stored is not None and stored.get(key) != own[key]]
        if differing:
            lines = "\n".join(
                f"  {key}: {stored.get(key)} in the checkpoint, {own[key]} in the config" for key in differing
            )
            raise UserError(
                f"the refiner in {path} was trained on other inputs than this config gives it:\n{lines}\nMake the config agree, "
                f"or set allow_contract_change=True in model.refiner if the change is on purpose."
            )

    def forward(
        self,
        image: Tensor,
        coarse_prob: Tensor,
        coarse_size: int | None = None,
        with_features: bool = False,
        image_hashes: Sequence[str] | None = None,
        content_size: Tensor | None = None,
    ) -> RefinerOutput:
        """See `BaseRefiner.forward`. `image` must have SAM's size."""
        size = self.sam.image_size
        if image.shape[-2:] != (size, size):
            raise UserError(
                f"SAMRefiner: the image is {tuple(image.shape[-2:])}, SAM takes {(size, size)}; the data set's sizes['sam'] must "
                "be SAM's size"
            )
        # Of one coarse pixel, in pixels of SAM's frame.
        coarse_pixel_area = 1.0 if coarse_size is None else size * size / (coarse_size * coarse_size)
        prob = self.prob_transforms(coarse_prob)
        # An empty mask has no position: it is marked, and SAM sees the whole image.
        empty = is_empty(prob, coarse_pixel_area)

        # Into the ROI's frame, and the image into SAM's embedding. The whole image is normalised, not each crop of it.
        roi, roi_prob = None, prob
        if self.roi_cropper is not None:
            roi = self.roi_cropper(prob, coarse_pixel_area)
            roi_prob = self.roi_cropper.crop(prob, roi, size)
            roi_image = self.roi_cropper.crop_image(self.sam.normalise(image, content_size), roi, size)
            embedding = self.sam.encode(roi_image)
        elif self.embedding_cache is None:
            embedding = self.sam.encode(self.sam.normalise(image, content_size))
        else:
            embedding = self.embedding_cache.encode(self.sam, image, image_hashes or (), content_size)

        # Prompts, and SAM.
        prompts = Prompts()
        for generator in self.prompt_generators.values():
            prompts = prompts.merge(generator(roi_prob, self.sam.mask_size))
        logits, iou = self.sam.decode(embedding, prompts, multimask_output=self.multimask)

        # One candidate is selected first and upsampled after; then back to the image's frame, as probability.
        selected = select_candidates(logits, iou, self.selection)
        prob = F.interpolate(selected.float(), (size, size), mode="bilinear", align_corners=False).sigmoid()
        if roi is not None:
            outside = coarse_prob if self.roi_cropper.outside == "coarse" else torch.zeros_like(coarse_prob)
            prob = self.roi_cropper.paste(prob, roi, (size, size), outside)
        features = self._in_image_frame(embedding.features, roi) if with_features else None
        return RefinerOutput(prob, logits, iou, prompts, roi, empty, features)

    def _in_image_frame(self, features: Tensor, roi: Tensor | None) -> Tensor:
        """Returns SAM's features (B, C, e, e) over the image's frame, at their own resolution."""
        if roi is None:
            return features
        # Seen from the crop, the image's frame is a box around it: cutting that out is the inverse of cropping.
        side = features.shape[-1]
        corners = roi.new_tensor([[-0.5, -0.5], [self.sam.image_size - 0.5] * 2]).expand(len(roi), -1, -1)
        frame = frame_to_crop(corners, roi, side).flatten(1)
        return self.roi_cropper.crop(features.float(), frame, side)

    def candidate_target(self, gt: Tensor, output: RefinerOutput) -> Tensor:
        """See `BaseRefiner.candidate_target`."""
        mask_size = output.candidate_logits.shape[-1]
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
