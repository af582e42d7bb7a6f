# The reference's box of 2.5 standard deviations.
_base_ = "../../phase2/sam_hybrid_busi_fold0.py"
prompts = [*_base_.refiner.prompts]
prompts[1] = dict(prompts[1], num_std=2.5)
model = dict(refiner=dict(prompts=prompts))
