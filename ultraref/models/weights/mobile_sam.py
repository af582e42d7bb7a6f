"""MobileSAM: Zhang et al., "Faster Segment Anything", arXiv:2306.14289.

The README of ChaoningZhang/MobileSAM: trained on 1 % of SAM's images, SAM's own prompt encoder and mask decoder, its
preprocessing. Size and hash: as half a dozen repositories that pin the file state them.
"""

from ultraref.models.weights.profile import PROMPTS, WeightsProfile
from ultraref.models.weights.seen import not_seen

MOBILE_SAM = WeightsProfile(
    name="mobile_sam",
    title="MobileSAM",
    file_name="mobile_sam.pt",
    page="https://github.com/ChaoningZhang/MobileSAM",
    licence="Apache-2.0",
    citation="Zhang et al. 2023, Faster Segment Anything, arXiv:2306.14289",
    encoder="TinyViT",
    arch="mobile_sam",
    image_size=1024,
    seen=not_seen(
        "image encoder distilled from SAM ViT-H on 1 % of SA-1B, photographs (README of ChaoningZhang/MobileSAM)",
        "2026-11-25",
    ),
    scale="imagenet",
    fit="pad",
    prompts=PROMPTS,
    candidates=3,
    urls=("https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt",),
    size=40_728_226,
    sha256="6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
)
