# TransUNet R50-ViT-B/16 at 224 px (reference 1.1). The weights are Google's `R50+ViT-B_16.npz`, trained on ImageNet-21k.
coarse_size = 224
coarse_network = dict(
    type="EncoderDecoder",
    encoder=dict(
        type="R50ViTEncoder", image_size=coarse_size, pretrained="{{$ULTRAREF_WEIGHTS:weights}}/R50+ViT-B_16.npz"
    ),
    decoder=dict(type="CascadedUpsampler", channels=(256, 128, 64, 16), head_channels=512),
)
