# Points and box, no mask prompt.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(prompts=dict(mask=None)))
