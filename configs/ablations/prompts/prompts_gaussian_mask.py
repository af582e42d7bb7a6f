# The mask prompt blurred first, as the reference has it for a SAM without phase 2.
_base_ = "../../phase2/sam_hybrid_busi_fold0.py"
prompts = [*_base_.refiner.prompts]
prompts[2] = dict(prompts[2], style="gaussian", kernel_size=7, sigma=3.0)
model = dict(refiner=dict(prompts=prompts))
