# BUS-UC: Iqbal 2023, "BUS-UC: Breast ultrasound images" (Mendeley Data).
data_root = "{{$ULTRAREF_DATA:data}}/bus_uc"
predictions_root = "work_dirs/predictions/transunet_bus_uc"
made_by = {
    data_root: "python tools/dataset_converters/bus_uc.py SRC " + data_root,
    predictions_root + "/fold{k}/{split}": "python tools/predict_coarse.py "
    "configs/phase1/transunet_bus_uc_fold{k}.py work_dirs/transunet_bus_uc_fold{k}/best.pth --split {split}",
}
