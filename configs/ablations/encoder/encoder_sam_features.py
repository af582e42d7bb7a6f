# The U-Net reads LiteMedSAM's embedding beside its own features. Embeddings are cached, so that mirroring is the one geometric augmentation.
_base_ = ["../../phase1/unet.py", "../../_base_/models/box_refiners.py"]
geometric = ("RandomRotateFlip", "RandomElasticWarp", "RandomZoomShift")
load_image, load_mask, *others = [step for step in _base_.train_pipeline if step.type not in geometric]
sam_image = dict(type="ResizeToModels", inputs=("sam",), gt="coarse", sam_fit="pad")
train_pipeline = [load_image, load_mask, dict(type="RandomMirror"), sam_image, *others]
eval_pipeline = [load_image, load_mask, sam_image, *_base_.eval_pipeline[2:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=eval_pipeline))
fusion = dict(type="SAMFeatureFusion", sam=_base_.lite_refiner.sam, embedding_cache=_base_.lite_refiner.embedding_cache)
model = dict(
    data_preprocessor=dict(hash_images=True),
    network=dict(encoder=dict(_delete_=True, encoder=_base_.unet.encoder, **fusion)),
)
