"""The sizes of a SAM: the published ones by name, a tiny one, or a dict."""

from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches


@dataclass(frozen=True)
class SAMArch:
    """Sizes of one SAM. The defaults are those of `tiny`, about 3 M parameters, made for tests and quick starts.

    Attributes:
        image_size: side of the square input image, in pixels.
        patch_size: side of a patch; the embedding's side is image_size / patch_size.
        embed_dim: channels of the image encoder.
        depth: blocks of the image encoder.
        num_heads: attention heads of the image encoder.
        mlp_ratio: hidden width of an encoder block's MLP over `embed_dim`.
        window_size: side of an attention window, in patches.
        global_attn_indexes: blocks that attend to the whole map instead of to a window.
        out_chans: channels of the image embedding and of the mask decoder.
        decoder_depth: two-way blocks of the mask decoder.
        decoder_heads: attention heads of the mask decoder.
        decoder_mlp_dim: hidden width of the mask decoder's MLPs.
        iou_head_hidden_dim: hidden width of the head that predicts IoU.
    """

    image_size: int = 256
    patch_size: int = 16
    embed_dim: int = 192
    depth: int = 4
    num_heads: int = 3
    mlp_ratio: float = 4.0
    window_size: int = 7
    global_attn_indexes: tuple[int, ...] = (1, 3)
    out_chans: int = 128
    decoder_depth: int = 2
    decoder_heads: int = 4
    decoder_mlp_dim: int = 512
    iou_head_hidden_dim: int = 128

    def __post_init__(self):
        for whole, part in (
            ("image_size", self.patch_size),
            ("embed_dim", self.num_heads),
            # The decoder's cross attention works at half its width, and its upscaling ends at an eighth.
            ("out_chans", 2 * self.decoder_heads),
            ("out_chans", 8),
        ):
            if getattr(self, whole) % part:
                raise ValueError(f"SAM arch: {whole}={getattr(self, whole)} must be a multiple of {part}")

    @property
    def embedding_size(self) -> int:
        """Side of the image embedding."""
        return self.image_size // self.patch_size


def _published(embed_dim: int, depth: int, num_heads: int, global_attn_indexes: tuple[int, ...]) -> SAMArch:
    # segment_anything/build_sam.py
    return SAMArch(
        image_size=1024,
        embed_dim=embed_dim,
        depth=depth,
        num_heads=num_heads,
        window_size=14,
        global_attn_indexes=global_attn_indexes,
        out_chans=256,
        decoder_heads=8,
        decoder_mlp_dim=2048,
        iou_head_hidden_dim=256,
    )


ARCHS = {
    "vit_b": _published(768, 12, 12, (2, 5, 8, 11)),
    "vit_l": _published(1024, 24, 16, (5, 11, 17, 23)),
    "vit_h": _published(1280, 32, 16, (7, 15, 23, 31)),
    "tiny": SAMArch(),
}


def resolve_arch(arch: str | dict | SAMArch, image_size: int | None = None) -> SAMArch:
    """Returns the sizes that a config names.

    Args:
        arch: a name of ARCHS, or a dict of SAMArch's fields; those left out are the tiny one's.
        image_size: replaces the arch's own image size.

    Raises:
        ValueError: the name or a field isn't known, or the sizes don't fit each other.
    """
    if isinstance(arch, str):
        if arch not in ARCHS:
            raise ValueError(f"SAM arch {arch!r} is not known; give one of {', '.join(ARCHS)}, or a dict of sizes")
        resolved = ARCHS[arch]
    elif isinstance(arch, SAMArch):
        resolved = arch
    else:
        known = [f.name for f in fields(SAMArch)]
        for name in arch:
            if name not in known:
                near = get_close_matches(name, known, 1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"SAM arch has no size {name!r}.{hint} It has {', '.join(known)}")
        indexes = tuple(arch.get("global_attn_indexes", SAMArch.global_attn_indexes))
        resolved = SAMArch(**{**arch, "global_attn_indexes": indexes})
    return resolved if image_size is None else replace(resolved, image_size=image_size)


def describe(arch: SAMArch) -> str:
    """Returns the arch's name, or its sizes where it has none."""
    for name, known in ARCHS.items():
        if replace(arch, image_size=known.image_size) == known:
            return f"{name} at {arch.image_size} px"
    return str(asdict(arch))
