# The reference's box of 2.5 standard deviations.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(prompts=dict(box=dict(num_std=2.5))))
