# Phase 2: SAM on stored out-of-fold predictions and simulated errors, half and half.
# python tools/train.py configs/phase2/sam_hybrid.py --set busi --fold 0    (--set all: the five sets together)
_base_ = [
    "../_base_/models/sam_refiner.py",
    "../_base_/datasets/{{$ULTRAREF_SET:busi}}.py",
    "../_base_/fold.py",
    "../_base_/loaders/refine_stored.py",
    "../_base_/schedules/phase2_adamw_cosine.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="RefinementSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    # The size at which the coarse network, TransUNet, makes its masks.
    coarse_source=dict(type="FromSample", size=224),
    refiner=_base_.refiner,
    gate=dict(type="ConstantGate", value=1.0),
    losses=dict(
        candidate_mask=dict(type="BCEDiceLoss"),
        candidate_iou=dict(type="IoURegressionLoss"),
        change=dict(type="ChangePenalty", low=0.6, high=1.0),
    ),
    loss_weights=dict(candidate_mask=1.0, candidate_iou=1.0, change=0.5),
)
# The images of each set, with the predictions of that set's own coarse networks.
stores = {name: f"work_dirs/predictions/transunet_{name}" for name in _base_.sets}
stored = [dict(data_root=root, predictions=stores[name]) for name, root in _base_.sets.items()]
images = stored[0] if len(stored) == 1 else dict(type="ConcatLesionDataset", datasets=stored)
# --fold all is the reference's single SAM for all folds: its validation is on images that it has seen, and is labelled so; the last
# epoch is what counts (last.pth), and only the test set may be reported.
shared = _base_.fold is None
held_out = 0 if shared else _base_.fold
train_dataloader = dict(dataset=dict(images, fold=_base_.fold))
val_dataloader = dict(dataset=dict(images, fold=held_out))
# The test set's predictions are those of the fold's own coarse model.
test_dataloader = dict(dataset=dict(images, fold=held_out))
# Measured at SAM's size, as in the reference, and alike in phases 2 and 3.
val_evaluator = test_evaluator = dict(size="model")
default_hooks = dict(
    checkpoint=dict(save_best=None if shared else "val_refined/dice"), provenance=dict(allow_seen=shared)
)
made_by = {
    root + "/fold{k}/{split}": "python tools/predict_coarse.py configs/phase1/transunet.py "
    f"work_dirs/transunet_{name}_fold{{k}}/best.pth --set {name} --fold {{k}} --split {{split}}"
    for name, root in stores.items()
}
