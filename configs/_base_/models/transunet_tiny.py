# TransUNet with small numbers at 64 px, from scratch: for the quick start and tests, on a CPU.
coarse_size = 64
coarse_network = dict(
    type="EncoderDecoder",
    encoder=dict(
        type="R50ViTEncoder",
        image_size=coarse_size,
        pretrained=None,
        layers=(1, 1, 1),
        channels=(16, 32, 64),
        stem_channels=8,
        norm_groups=8,
        embed_dim=64,
        depth=2,
        num_heads=4,
        dropout=0.0,
    ),
    decoder=dict(type="CascadedUpsampler", channels=(32, 16, 8, 8), head_channels=64),
)
