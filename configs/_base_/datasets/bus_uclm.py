# BUS-UCLM: Vallez et al. 2025, "BUS-UCLM: Breast ultrasound lesion segmentation dataset".
data_root = "{{$ULTRAREF_DATA:data}}/bus_uclm"
predictions_root = "work_dirs/predictions/transunet_bus_uclm"
made_by = {
    data_root: "python tools/dataset_converters/bus_uclm.py SRC " + data_root,
    predictions_root + "/fold{k}/{split}": "python tools/predict_coarse.py "
    "configs/phase1/transunet_bus_uclm_fold{k}.py work_dirs/transunet_bus_uclm_fold{k}/best.pth --split {split}",
}
