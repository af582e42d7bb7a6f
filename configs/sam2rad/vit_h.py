# SAM2Rad with ViT-H, the reference's encoder.
_base_ = "./vit_b.py"
model = dict(
    sam=dict(
        image_encoder=dict(arch="vit_h", checkpoint_activations=True),
        checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/sam_vit_h_4b8939.pth",
    )
)
