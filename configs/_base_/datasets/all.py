# The five sets together, for phase 2. Near-duplicates between sets: tools/audit_leakage.py finds them.
data_root = "{{$ULTRAREF_DATA:data}}"
sets = [
    dict(data_root=data_root + "/" + name, predictions="work_dirs/predictions/transunet_" + name)
    for name in ("busi", "busbra", "bus", "bus_uc", "bus_uclm")
]
made_by = {
    data_root + "/{set}": "python tools/dataset_converters/{set}.py SRC " + data_root + "/{set}",
    "work_dirs/predictions/transunet_{set}/fold{k}/{split}": "python tools/predict_coarse.py "
    "configs/phase1/transunet_{set}_fold{k}.py work_dirs/transunet_{set}_fold{k}/best.pth --split {split}",
}
