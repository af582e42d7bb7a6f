# Phase 2 behind another tool: LiteMedSAM on predictions that tools/import_predictions.py has stored.
# python tools/train.py configs/phase2/imported.py --set busi --fold 0
_base_ = "./lite.py"
run_name = "sam_imported_{set}_{fold}"
stores = {name: f"work_dirs/predictions/imported_{name}" for name in _base_.sets}
stored = [dict(data_root=root, predictions=stores[name]) for name, root in _base_.sets.items()]
images = stored[0] if len(stored) == 1 else dict(datasets=stored)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=images)
made_by = {
    f"{stores[name]}/fold{{k}}/{{split}}": "python tools/import_predictions.py nnunet RESULTS --splits splits_final.json "
    f"--data {root}"
    for name, root in _base_.sets.items()
}
