# BUS-BRA: Gomez-Flores et al. 2024, "BUS-BRA: A breast ultrasound dataset for assessing CAD systems".
data_root = "{{$ULTRAREF_DATA:data}}/busbra"
predictions_root = "work_dirs/predictions/transunet_busbra"
made_by = {
    data_root: "python tools/dataset_converters/busbra.py SRC " + data_root,
    predictions_root + "/fold{k}/{split}": "python tools/predict_coarse.py "
    "configs/phase1/transunet_busbra_fold{k}.py work_dirs/transunet_busbra_fold{k}/best.pth --split {split}",
}
