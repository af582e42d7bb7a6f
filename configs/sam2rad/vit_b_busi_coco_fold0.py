# SAM2Rad with ViT-B, fold 0.
_base_ = [
    "../_base_/models/sam2rad.py",
    "../_base_/datasets/sam2rad_busi_coco.py",
    "../_base_/schedules/sam2rad_adamw_cosine_100e.py",
    "../_base_/default_runtime.py",
]
model = _base_.sam2rad
made_by = {
    _base_.data_root: "python tools/dataset_converters/busi.py SRC " + _base_.data_root,
    _base_.ann_file: "python tools/dataset_converters/to_coco.py " + _base_.data_root + " " + _base_.ann_file,
}
