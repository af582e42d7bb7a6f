# ViT-H on several GPUs, each of which keeps a share of the encoder's frozen weights.
# tools/dist_train.sh configs/sam2rad/vit_h_sharded.py GPUS --set busi --fold 0
_base_ = "./vit_h.py"
block = "sam.image_encoder.blocks.*"
model_wrapper_cfg = dict(
    type="ShardedDataParallel",
    shard=[f"{block}.attn.qkv", f"{block}.attn.proj", f"{block}.mlp"],
    find_unused_parameters=True,
)
del block
