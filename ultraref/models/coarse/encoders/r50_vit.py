"""The hybrid encoder of TransUNet: a ResNet whose last map is the input of a vision transformer.

Chen et al., "TransUNet: Transformers Make Strong Encoders for Medical Image Segmentation", arXiv:2102.04306; the hybrid
itself (R50+ViT-B/16): Dosovitskiy et al., "An Image is Worth 16x16 Words", arXiv:2010.11929.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from timm.layers import GroupNormAct, HybridEmbed, StdConv2dSame
from timm.models.resnetv2 import ResNetV2
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.coarse.encoders.base import BaseEncoder
from ultraref.models.coarse.encoders.published_npz import load_published_npz
from ultraref.models.weights import note_weights
from ultraref.registry import MODELS


@MODELS.register_module()
class R50ViTEncoder(BaseEncoder):
    """ResNetV2 and ViT in a row, built from timm's classes. The defaults are timm's `vit_base_r50_s16_224`.

    Feature maps, finest first: the stem after norm and activation (1/2), the stages but the last (1/4, 1/8), and the
    output of the transformer as a map (1/16). A tiny variant is the same class with small numbers.

    Grey images are repeated to three channels, as in the published TransUNet, rather than met by first-layer weights
    summed over RGB: the stem standardises each filter, and a summed filter would be divided by another standard
    deviation than the published one, so that only repetition gives the published features. Images are mapped from
    [0, 1] to [-1, 1], as the published weights expect.

    Two things differ from the published TransUNet code: the class token is kept, as in pretraining (it is not handed
    on), and `dropout` also follows the attention's output projection.

    Args:
        pretrained: Path of Google's `R50+ViT-B_16.npz` (ImageNet-21k), or None for random weights. The file is checked
            by names and shapes before anything is loaded, and the position embedding resized to `image_size`.
        in_channels: Channels of the images, 1 or 3.
        image_size: Height and width (or one number for both) that the position embedding is made for, divisible by the
            reduction of the last map. Images of other divisible sizes are accepted: the embedding is then interpolated
            in each forward pass.
        layers: Number of residual blocks in each ResNet stage. With n stages the last map is at 1 / 2^(n+1).
        channels: Output channels of each stage. timm rounds them to multiples of 8.
        stem_channels: Output channels of the stem.
        norm_groups: Groups of every group norm; must divide all channel counts of the ResNet, also the bottlenecks'
            (a quarter of `channels`, at least 8).
        embed_dim: Channels of the transformer.
        depth: Number of transformer blocks.
        num_heads: Attention heads; must divide `embed_dim`.
        dropout: Dropout rate after the position embedding and in the transformer blocks. TransUNet: 0.1.

    Raises:
        ValueError: an argument doesn't fit (see above), or the file is of another model.
        FileNotFoundError: `pretrained` doesn't exist; the message says where the file is published.
    """

    def __init__(
        self,
        pretrained: str | Path | None = None,
        in_channels: int = 1,
        image_size: int | tuple[int, int] = 224,
        layers: Sequence[int] = (3, 4, 9),
        channels: Sequence[int] = (256, 512, 1024),
        stem_channels: int = 64,
        norm_groups: int = 32,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        dropout: float = 0.1,
    ):
        super().__init__()
        if in_channels not in (1, 3):
            raise UserError(f"R50ViTEncoder takes grey (1) or RGB (3) images, but got in_channels={in_channels}")
        if len(layers) != len(channels):
            raise UserError(f"layers and channels go together, one number a stage, but got {layers} and {channels}")
        if embed_dim % num_heads:
            raise UserError(f"num_heads must divide embed_dim, but got {num_heads} heads for {embed_dim} channels")
        self.in_channels = in_channels
        self.image_size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
        self.reductions = tuple(2**i for i in range(1, len(layers) + 2))
        if any(length % self.reductions[-1] for length in self.image_size):
            raise UserError(f"image_size must be divisible by {self.reductions[-1]}, but got {image_size}")

        resnet = _build_resnet(tuple(layers), tuple(channels), stem_channels, norm_groups)
        self.vit = VisionTransformer(
            img_size=self.image_size,
            patch_size=1,
            embed_layer=partial(HybridEmbed, backbone=resnet),
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
            pos_drop_rate=dropout,
            proj_drop_rate=dropout,
            num_classes=0,
            global_pool="",
            dynamic_img_size=True,
        )
        self.channels = (*(info["num_chs"] for info in resnet.feature_info[:-1]), embed_dim)
        if pretrained is not None:
            load_published_npz(self.vit, Path(pretrained))
            note_weights(self, pretrained)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Returns the feature maps of `image`; see `BaseEncoder.forward`.

        Raises:
            ValueError: the image's channels or size don't fit.
        """
        self.check_image(image)
        x = image.expand(-1, 3, -1, -1) * 2 - 1

        # ResNet: the maps before the last are the skip connections.
        resnet = self.vit.patch_embed.backbone
        features = []
        for name, layer in resnet.stem.named_children():
            x = layer(x)
            if name == "norm":  # before the pooling
                features.append(x)
        for stage in resnet.stages:
            x = stage(x)
            features.append(x)
        x = features.pop()

        # Transformer: one token for each pixel of the last map, and the class token.
        x = self.vit.patch_embed.proj(x)
        height, width = x.shape[-2:]
        tokens = self.vit._pos_embed(x.permute(0, 2, 3, 1))  # timm has no public name for it
        tokens = self.vit.norm(self.vit.blocks(tokens))
        tokens = tokens[:, self.vit.num_prefix_tokens :]
        features.append(tokens.transpose(1, 2).reshape(image.shape[0], -1, height, width))
        return features


def _build_resnet(layers: tuple[int, ...], channels: tuple[int, ...], stem_channels: int, groups: int) -> ResNetV2:
    """Builds the ResNet as timm's hybrids do, with a free number of groups.

    Raises:
        ValueError: `groups` doesn't divide the channels of some layer.
    """
    try:
        return ResNetV2(
            layers=layers,
            channels=channels,
            num_classes=0,
            global_pool="",
            stem_chs=stem_channels,
            stem_type="same",
            preact=False,
            norm_layer=partial(GroupNormAct, num_groups=groups),
            conv_layer=partial(StdConv2dSame, eps=1e-8),
        )
    except ValueError as error:
        raise UserError(
            f"the ResNet of R50ViTEncoder can't be built with norm_groups={groups}, channels={channels} and "
            f"stem_channels={stem_channels} ({error}); norm_groups must divide each of them, and a quarter of each of "
            "channels (at least 8), which the bottlenecks have"
        ) from error
