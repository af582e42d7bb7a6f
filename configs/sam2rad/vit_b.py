# SAM2Rad with ViT-B, from COCO annotations.
# python tools/train.py configs/sam2rad/vit_b.py --set busi --fold 0
_base_ = [
    "../_base_/models/sam2rad.py",
    "../_base_/datasets/{{$ULTRAREF_SET:busi}}.py",
    "../_base_/fold.py",
    "../_base_/loaders/sam2rad.py",
    "../_base_/schedules/sam2rad_adamw_cosine.py",
    "../_base_/default_runtime.py",
]
model = _base_.sam2rad
# The split and the folds are those of the converted set; file names in the annotations are relative to it.
ann_file = _base_.data_root + "_coco.json"
images = dict(data_root=_base_.data_root, image_dir=_base_.data_root, ann_file=ann_file)
train_dataloader = dict(dataset=dict(images, fold=_base_.fold))
val_dataloader = dict(dataset=dict(images, fold=_base_.fold))
test_dataloader = dict(dataset=dict(images, fold=_base_.fold))
made_by = {ann_file: f"python tools/dataset_converters/to_coco.py {_base_.data_root} {ann_file}"}
