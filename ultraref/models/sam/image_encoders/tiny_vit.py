"""TinyViT as SAM's image encoder: LiteMedSAM's and MobileSAM's."""

from difflib import get_close_matches

from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.sam.image_encoders.base import BaseImageEncoder
from ultraref.models.sam.image_encoders.pixel_scale import PixelScale
from ultraref.models.sam.image_encoders.tiny_vit_layers import TinyViTEncoder
from ultraref.registry import MODELS

# Published ones: side of the image, and what differs from the defaults of TinyViTEncoder.
ARCHS: dict[str, tuple[int, dict]] = {
    "lite_medsam": (256, {"stem_stride": 1}),
    "mobile_sam": (1024, {"stem_stride": 4, "num_classes": 1000}),
}
# What a dict of sizes may hold.
SIZES = (
    *("stem_stride", "embed_dims", "depths", "num_heads", "window_sizes", "strides"),
    *("mlp_ratio", "expand_ratio", "out_channels", "num_classes"),
)


@MODELS.register_module()
class TinyViT(BaseImageEncoder, TinyViTEncoder):
    """The TinyViT of LiteMedSAM and MobileSAM, with the published state-dict keys.

    Args:
        arch: `lite_medsam`, `mobile_sam`, or a dict of `TinyViTEncoder`'s sizes; those left out are LiteMedSAM's.
        image_size: S, side of the input in pixels. None takes the arch's own, 256 or 1024. TinyViT has no position embedding, so
            that another size needs nothing resized.
        scale: how the weights want their images, see `PixelScale`: `minmax` for LiteMedSAM's, `imagenet` for MobileSAM's.
        checkpoint_activations: keep only each block's input for the backward pass and compute the rest again.

    Raises:
        UserError: a name or a size isn't known, or the sizes don't fit each other.
    """

    # The first stage's widening convolution; SAM's ViT has no `layers`.
    anchor = "layers.0.blocks.0.conv1.c.weight"
    # Its rows are q, k and v of one head after another, so that none of the three can be adapted alone.
    lora_targets = ("layers.*.blocks.*.attn.qkv",)

    def __init__(
        self,
        arch: str | dict = "lite_medsam",
        image_size: int | None = None,
        scale: str = "minmax",
        checkpoint_activations: bool = False,
    ):
        own_size, sizes = _resolve(arch)
        # The next in line is TinyViTEncoder, whose arguments these are.
        super().__init__(**sizes, checkpoint_activations=checkpoint_activations)
        self.arch_name = arch if isinstance(arch, str) else f"of {self.patch_embed.seq[2].c.out_channels} channels"
        self.image_size = own_size if image_size is None else image_size
        if self.image_size % self.reduction:
            raise UserError(f"TinyViT: image_size={image_size} must be a multiple of {self.reduction}")
        self.embedding_size = self.image_size // self.reduction
        self.out_channels = self.neck[0].out_channels
        self.pixel_scale = PixelScale(scale)

    def forward(self, image: Tensor) -> Tensor:
        """See `TinyViTEncoder.forward`."""
        return TinyViTEncoder.forward(self, image)

    def describe(self) -> str:
        """See `BaseImageEncoder.describe`."""
        return f"TinyViT {self.arch_name} at {self.image_size} px"

    @classmethod
    def guess_arch(cls, state: dict[str, Tensor]) -> str:
        """See `BaseImageEncoder.guess_arch`."""
        stem, channels = state.get("patch_embed.seq.0.c.weight"), state[cls.anchor].shape[1]
        if stem is not None and channels == 64:
            return f"TinyViT with arch={'mobile_sam' if stem.shape[-1] == 3 else 'lite_medsam'!r}"
        return f"TinyViT of {channels} channels"


def _resolve(arch: str | dict) -> tuple[int, dict]:
    """The image size and the sizes that a config names."""
    if isinstance(arch, str):
        if arch not in ARCHS:
            raise UserError(f"TinyViT arch {arch!r} is not known; give one of {', '.join(ARCHS)}, or a dict of sizes")
        return ARCHS[arch]
    for name in arch:
        if name not in SIZES:
            near = get_close_matches(name, SIZES, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UserError(f"TinyViT arch has no size {name!r}.{hint} It has {', '.join(SIZES)}")
    return ARCHS["lite_medsam"][0], dict(arch)
