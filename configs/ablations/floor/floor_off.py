# No probability floor: prompts and ROI from p as it is.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(prob_transforms=dict(floor=None)))
