"""The encoder of TransUNet: Dosovitskiy et al., "An Image is Worth 16x16 Words", arXiv:2010.11929.

Google publishes no hash of the file, and none was found elsewhere.
"""

from ultraref.models.weights.profile import WeightsProfile
from ultraref.models.weights.seen import not_seen

R50_VIT_B_16 = WeightsProfile(
    name="r50_vit_b_16",
    title="R50+ViT-B/16",
    file_name="R50+ViT-B_16.npz",
    page="https://github.com/google-research/vision_transformer",
    licence="Apache-2.0",
    citation="Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, arXiv:2010.11929",
    encoder="R50ViTEncoder",
    arch="R50+ViT-B_16",
    image_size=224,
    seen=not_seen("trained on ImageNet-21k, photographs from the web of before 2012 (arXiv:1409.0575)", "2026-11-25"),
    urls=("https://storage.googleapis.com/vit_models/imagenet21k/R50%2BViT-B_16.npz",),
)
