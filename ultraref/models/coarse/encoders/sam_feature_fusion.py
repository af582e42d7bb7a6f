"""A coarse network's encoder with SAM's image embedding beside its own features.

The idea is nnSAM's (Li et al., arXiv:2309.16967), which joins a frozen SAM encoder to nnU-Net's at the decoder's input.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.errors import UserError
from ultraref.models.coarse.encoders.base import BaseEncoder
from ultraref.models.roi.resample import crop_bilinear
from ultraref.models.sam import PARTS, SAM, EmbeddingCache
from ultraref.registry import MODELS


@MODELS.register_module()
class SAMFeatureFusion(BaseEncoder):
    """An encoder whose maps get SAM's embedding of the same image appended: what the decoder then reads are both.

    SAM is frozen, all of it, and sees the image in its own frame (`sam_image`); the content of that frame is cut out of the embedding, so that it
    lies over the coarse network's frame, which holds the image alone. A 1x1 convolution reduces its channels; each map then gets it at its
    own size, averaged over areas where it shrinks.

    Args:
        encoder: config of an encoder, without `in_channels`.
        sam: config of a `SAM`. Its image encoder alone is used.
        channels: that the embedding is reduced to.
        reductions: of the encoder's maps that get it; None is all from 1/4 on.
        embedding_cache: folder in which embeddings are kept, or None; see `SAMRefiner`.
        in_channels: of the images; `EncoderDecoder` fills it in.

    Attributes:
        reads_sam_image: True: `forward` takes the other inputs of the batch as well.
        sam_size: side of SAM's frame in pixels.

    Raises:
        UserError: `sam` or `encoder` is something else, a reduction isn't one of the encoder's, or `channels` is below 1.
    """

    reads_sam_image = True

    def __init__(
        self,
        encoder: dict,
        sam: dict,
        channels: int = 32,
        reductions: Sequence[int] | None = None,
        embedding_cache: str | None = None,
        in_channels: int = 1,
    ):
        super().__init__()
        self.encoder = MODELS.build(dict(encoder, in_channels=in_channels))
        self.sam = MODELS.build(dict(sam, freeze=list(PARTS)))
        for name, part, kind in (("encoder", self.encoder, BaseEncoder), ("sam", self.sam, SAM)):
            if not isinstance(part, kind):
                raise UserError(
                    f"SAMFeatureFusion: `{name}` names {type(part).__name__}, which is not a {kind.__name__}"
                )
        if channels < 1:
            raise UserError(f"SAMFeatureFusion: channels={channels}, but it must be at least 1")
        own = self.encoder.reductions
        fused = [reduction for reduction in own if reduction >= 4] if reductions is None else list(reductions)
        if not fused or not set(fused) <= set(own):
            raise UserError(
                f"SAMFeatureFusion: reductions is {reductions}; it must name some of {own}, which the encoder's maps are at"
            )
        self.fused = frozenset(fused)
        self.reduce = nn.Sequential(nn.Conv2d(self.sam.embed_dim, channels, 1), nn.GELU())
        self.embedding_cache = None if embedding_cache is None else EmbeddingCache(embedding_cache)
        self.in_channels = in_channels
        self.reductions = own
        self.channels = tuple(
            width + channels * (reduction in self.fused) for width, reduction in zip(self.encoder.channels, own)
        )

    @property
    def sam_size(self) -> int:
        """Side of SAM's frame in pixels."""
        return self.sam.image_size

    def forward(self, image: Tensor, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Returns the feature maps of `image`, with SAM's appended; see `BaseEncoder.forward`.

        Args:
            image: (B, in_channels, h, w) float in [0, 1].
            inputs: of the batch, with `sam_image` (B, 3, S, S) float in [0, 255]; `content_size` (B, 2) where it is padded; `image_hash`
                with a cache.

        Raises:
            UserError: there is no `sam_image`.
        """
        features = self.encoder(image)
        embedding = self.reduce(self._embed(inputs))
        joined = []
        for feature, reduction in zip(features, self.reductions):
            if reduction in self.fused:
                feature = torch.cat([feature, _at_size(embedding, feature.shape[-2:]).to(feature.dtype)], dim=1)
            joined.append(feature)
        return joined

    @torch.no_grad()
    def _embed(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns SAM's embedding over the image alone, (B, C, e, e)."""
        if "sam_image" not in inputs:
            raise UserError(
                "SAMFeatureFusion: the samples carry no sam_image; set ResizeToModels(inputs=('coarse', 'sam')) in the data pipelines, as "
                "configs/ablations/encoder/encoder_sam_features.py does"
            )
        image, content = inputs["sam_image"], inputs.get("content_size")
        if self.embedding_cache is not None:
            embedding = self.embedding_cache.encode(self.sam, image, inputs.get("image_hash") or (), content)
        else:
            embedding = self.sam.encode(self.sam.normalise(image, content))
        features = embedding.features
        if content is None:
            return features
        side = features.shape[-1]
        lengths = content.flip(1).to(features.device).float() * side / self.sam.image_size  # (x, y)
        box = torch.cat([torch.full_like(lengths, -0.5), lengths - 0.5], dim=1)
        return crop_bilinear(features, box, side)


def _at_size(embedding: Tensor, size: tuple[int, int]) -> Tensor:
    if size[0] <= embedding.shape[-2] and size[1] <= embedding.shape[-1]:
        return F.interpolate(embedding, size, mode="area")
    return F.interpolate(embedding, size, mode="bilinear", align_corners=False)
