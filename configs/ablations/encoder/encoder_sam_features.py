# The U-Net reads LiteMedSAM's embedding beside its own features. Embeddings are cached, so that mirroring is the one geometric augmentation.
_base_ = "../../phase1/unet.py"
mirror = dict(type="RandomMirror")
rotate_flip = dict(mirror, _delete_=True)
load_image, load_mask, *rest = [
    s for s in _base_.train_pipeline if s.type not in ("RandomRotateFlip", "RandomElasticWarp", "RandomZoomShift")
]
sam_image = dict(type="ResizeToModels", inputs=("sam",), gt="coarse", sam_fit="pad")
train_dataloader = dict(dataset=dict(pipeline=[load_image, load_mask, mirror, sam_image, *rest]))
evaluation = dict(pipeline=[load_image, load_mask, sam_image, *_base_.eval_pipeline[2:]])
val_dataloader = test_dataloader = dict(dataset=evaluation)
tiny_vit = dict(type="TinyViT", arch="lite_medsam", scale="minmax")
sam = dict(type="SAM", image_encoder=tiny_vit, checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/lite_medsam.pth")
fused = dict(type="SAMFeatureFusion", encoder=_base_.unet.encoder, sam=sam, embedding_cache="work_dirs/embeddings")
model = dict(data_preprocessor=dict(hash_images=True), network=dict(encoder=dict(fused, _delete_=True)))
