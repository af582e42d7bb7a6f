# The tiny SAM2Rad on phantoms, fold 0: three minutes on two cores.
_base_ = [
    "../_base_/models/sam2rad_tiny.py",
    "../_base_/datasets/sam2rad_phantoms_coco.py",
    "../_base_/schedules/sam2rad_tiny.py",
    "../_base_/default_runtime.py",
]
model = _base_.sam2rad
made_by = {
    _base_.data_root: "make quickstart",
    _base_.ann_file: "python tools/dataset_converters/to_coco.py " + _base_.data_root + " " + _base_.ann_file,
}
