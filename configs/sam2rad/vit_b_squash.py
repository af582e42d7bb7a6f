# SAM2Rad with ViT-B on images squashed to a square, as in the reference.
_base_ = "./vit_b.py"
squash = dict(type="ResizeToModels", inputs=("sam",), gt="sam")
train_pipeline = [squash if step.type == "ResizeLongestSide" else step for step in _base_.train_pipeline]
eval_pipeline = [squash if step.type == "ResizeLongestSide" else step for step in _base_.eval_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=eval_pipeline))
test_dataloader = dict(dataset=dict(pipeline=eval_pipeline))
