# Phase 2: SAM on simulated errors alone; all five sets, all folds.
# Written by tools/generate_configs.py: change the template there.
# The reference's single SAM for all folds: trained on every training image. Its validation is on images that it has seen,
# and is labelled so; the last epoch is what counts (last.pth), and only the test set may be reported.
_base_ = "./sam_online_all_fold0.py"
train_dataloader = dict(dataset=dict(datasets=[dict(d, fold=None) for d in _base_.train_dataloader.dataset.datasets]))
default_hooks = dict(checkpoint=dict(save_best=None))
custom_hooks = [
    dict(hook, allow_seen=True) if hook["type"] == "ProvenanceHook" else hook for hook in _base_.custom_hooks
]
