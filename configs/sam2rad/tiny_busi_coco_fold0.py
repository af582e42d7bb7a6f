# The tiny SAM2Rad on real BUSI, fold 0.
_base_ = "./tiny_phantoms_coco_fold0.py"
data_root = "work_dirs/quickstart_busi/data/busi"
ann_file = "work_dirs/quickstart_busi/data/busi_coco.json"
train_dataloader = dict(dataset=dict(data_root=data_root, image_dir=data_root, ann_file=ann_file))
val_dataloader = dict(dataset=dict(data_root=data_root, image_dir=data_root, ann_file=ann_file))
test_dataloader = dict(dataset=dict(data_root=data_root, image_dir=data_root, ann_file=ann_file))
made_by = {
    data_root: "make quickstart-busi BUSI=FOLDER",
    ann_file: "python tools/dataset_converters/to_coco.py " + data_root + " " + ann_file,
}
