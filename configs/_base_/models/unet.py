# A U-Net at 224 px: timm's EfficientNet-Lite0, trained on ImageNet-1k, and the cascaded upsampler. Any timm network with feature maps
# stands in for it: --cfg-options or a recipe of your own with unet.encoder.name, and pretrained=True instead of a file.
unet = dict(
    type="EncoderDecoder",
    image_size=224,
    encoder=dict(
        type="TimmEncoder",
        name="tf_efficientnet_lite0",
        checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/tf_efficientnet_lite0.safetensors",
    ),
    decoder=dict(type="CascadedUpsampler", channels=(128, 64, 32, 16, 16), head_channels=256),
)
