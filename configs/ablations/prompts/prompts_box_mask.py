# Box and mask prompt, no points.
_base_ = "../../phase2/sam_hybrid_busi_fold0.py"
model = dict(refiner=dict(prompts=_base_.refiner.prompts[1:]))
