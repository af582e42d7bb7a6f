# BUSI: Al-Dhabyani et al. 2020, "Dataset of breast ultrasound images".
data_root = "{{$ULTRAREF_DATA:data}}/busi"
predictions_root = "work_dirs/predictions/transunet_busi"
made_by = {
    data_root: "python tools/dataset_converters/busi.py SRC " + data_root,
    predictions_root + "/fold{k}/{split}": "python tools/predict_coarse.py "
    "configs/phase1/transunet_busi_fold{k}.py work_dirs/transunet_busi_fold{k}/best.pth --split {split}",
}
