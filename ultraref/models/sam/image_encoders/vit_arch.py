"""The sizes of SAM's ViT: the published ones by name, a tiny one, or a dict."""

from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches

from ultraref.errors import UserError


@dataclass(frozen=True)
class ViTArch:
    """Sizes of one ViT. The defaults are those of `tiny`, made for tests and quick starts.

    Attributes:
        patch_size: side of a patch; the embedding's side is the image's over it.
        embed_dim: channels of the blocks.
        depth: number of blocks.
        num_heads: attention heads of a block.
        mlp_ratio: hidden width of a block's MLP over `embed_dim`.
        window_size: side of an attention window, in patches.
        global_attn_indexes: blocks that attend to the whole map instead of to a window.
        out_channels: channels of the image embedding.
    """

    patch_size: int = 16
    embed_dim: int = 192
    depth: int = 4
    num_heads: int = 3
    mlp_ratio: float = 4.0
    window_size: int = 7
    global_attn_indexes: tuple[int, ...] = (1, 3)
    out_channels: int = 128

    def __post_init__(self):
        if self.embed_dim % self.num_heads:
            raise UserError(f"SAMViT arch: embed_dim={self.embed_dim} must be a multiple of num_heads={self.num_heads}")


def _published(embed_dim: int, depth: int, num_heads: int, global_attn_indexes: tuple[int, ...]) -> ViTArch:
    # segment_anything/build_sam.py
    return ViTArch(
        embed_dim=embed_dim,
        depth=depth,
        num_heads=num_heads,
        window_size=14,
        global_attn_indexes=global_attn_indexes,
        out_channels=256,
    )


PUBLISHED = {
    "vit_b": _published(768, 12, 12, (2, 5, 8, 11)),
    "vit_l": _published(1024, 24, 16, (5, 11, 17, 23)),
    "vit_h": _published(1280, 32, 16, (7, 15, 23, 31)),
}
ARCHS = {**PUBLISHED, "tiny": ViTArch()}
PUBLISHED_IMAGE_SIZE = 1024
TINY_IMAGE_SIZE = 256


def resolve_arch(arch: str | dict) -> ViTArch:
    """Returns the sizes that a config names.

    Args:
        arch: a name of ARCHS, or a dict of ViTArch's fields; those left out are the tiny one's.

    Raises:
        ValueError: the name or a field isn't known, or the sizes don't fit each other.
    """
    if isinstance(arch, str):
        if arch not in ARCHS:
            raise UserError(f"SAMViT arch {arch!r} is not known; give one of {', '.join(ARCHS)}, or a dict of sizes")
        return ARCHS[arch]
    known = [f.name for f in fields(ViTArch)]
    for name in arch:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            if name == "image_size":
                hint = " It is an argument of SAMViT itself."
            raise UserError(f"SAMViT arch has no size {name!r}.{hint} It has {', '.join(known)}")
    indexes = tuple(arch.get("global_attn_indexes", ViTArch.global_attn_indexes))
    return ViTArch(**{**arch, "global_attn_indexes": indexes})


def own_image_size(arch: str | dict) -> int:
    """Side of the images that an arch is meant for: 1024 px for the published ones, 256 px for the others."""
    return PUBLISHED_IMAGE_SIZE if isinstance(arch, str) and arch in PUBLISHED else TINY_IMAGE_SIZE


def describe(arch: ViTArch) -> str:
    """Returns the arch's name, or its sizes where it has none."""
    for name, known in ARCHS.items():
        if arch == known:
            return name
    return str(asdict(arch))
