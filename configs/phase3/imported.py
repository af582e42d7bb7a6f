# Phase 3 behind another tool: its predictions stay as they are, refiner and gate train on the refined mask.
# python tools/train.py configs/phase3/imported.py --set busi --fold 0
_base_ = "../phase2/lite.py"
run_name = "{stem}_{set}_{fold}"
phase2 = f"work_dirs/sam_imported_{_base_.set_name}_fold{_base_.fold}/best.pth"
model = dict(
    refiner=dict(checkpoint=phase2),
    # As in the other recipes of phase 3, without the coarse network's own loss.
    losses=dict(candidate_mask=None, refined=dict(type="BCEDiceLoss")),
    loss_weights=dict(refined=0.9, candidate_iou=0.1),
)
store = f"work_dirs/predictions/imported_{_base_.set_name}"
# No simulated errors: these are the masks that are to be refined.
own = [step.stored if step.type == "HybridCoarse" else step for step in _base_.train_dataloader.dataset.pipeline]
train_dataloader = dict(dataset=dict(predictions=store, pipeline=own))
val_dataloader = test_dataloader = dict(dataset=dict(predictions=store))
# The rates of phase 3, for a gate that has parameters as well.
rates = dict(refiner=dict(lr=1e-6), gate=dict(lr=1e-4))
optim_wrapper = dict(
    optimizer=dict(lr=1e-6), constructor="GlobOptimWrapperConstructor", paramwise_cfg=dict(groups=rates)
)
train_cfg = dict(max_epochs=2)
made_by = {
    phase2: f"python tools/train.py configs/phase2/imported.py --set {_base_.set_name} --fold {_base_.fold}",
    store + "/fold{k}/{split}": "python tools/import_predictions.py nnunet RESULTS --splits splits_final.json "
    f"--data {_base_.data_root}",
}
