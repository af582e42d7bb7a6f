# TransUNet R50-ViT-B/16 at 224 px (reference 1.1). The weights are Google's `R50+ViT-B_16.npz`, trained on ImageNet-21k.
coarse_network = dict(
    type="EncoderDecoder",
    image_size=224,
    encoder=dict(type="R50ViTEncoder", pretrained="{{$ULTRAREF_WEIGHTS:weights}}/R50+ViT-B_16.npz"),
    decoder=dict(type="CascadedUpsampler", channels=(256, 128, 64, 16), head_channels=512),
)
