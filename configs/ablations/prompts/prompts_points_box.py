# Points and box, no mask prompt.
_base_ = "../../phase2/sam_hybrid_busi_fold0.py"
model = dict(refiner=dict(prompts=_base_.refiner.prompts[:2]))
