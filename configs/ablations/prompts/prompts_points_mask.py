# Points and mask prompt, no box.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(prompts=dict(box=None)))
