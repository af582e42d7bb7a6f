# Another coarse network: a U-Net with timm's ResNet-34 in place of TransUNet.
_base_ = "../../phase1/transunet.py"
weights = "{{$ULTRAREF_WEIGHTS:weights}}/resnet34.a1_in1k/model.safetensors"
encoder = dict(_delete_=True, type="TimmEncoder", name="resnet34", checkpoint=weights)
decoder = dict(channels=(256, 128, 64, 32, 16))
model = dict(network=dict(encoder=encoder, decoder=decoder))
made_by = {weights: "hf download timm/resnet34.a1_in1k model.safetensors --local-dir " + weights.rpartition("/")[0]}
