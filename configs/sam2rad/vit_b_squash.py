# SAM2Rad with ViT-B on images squashed to a square, as in the reference.
_base_ = "./vit_b.py"


def squashed(pipeline):
    return [dict(step, sam_fit="squash") if step.type == "ResizeToModels" else step for step in pipeline]


train_dataloader = dict(dataset=dict(pipeline=squashed(_base_.train_pipeline)))
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=squashed(_base_.eval_pipeline)))
