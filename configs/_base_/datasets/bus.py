# BUS, also called BUSIS: Zhang et al. 2022, "BUSIS: A benchmark for breast ultrasound image segmentation".
data_root = "{{$ULTRAREF_DATA:data}}/bus"
predictions_root = "work_dirs/predictions/transunet_bus"
made_by = {
    data_root: "python tools/dataset_converters/bus.py SRC " + data_root,
    predictions_root + "/fold{k}/{split}": "python tools/predict_coarse.py "
    "configs/phase1/transunet_bus_fold{k}.py work_dirs/transunet_bus_fold{k}/best.pth --split {split}",
}
