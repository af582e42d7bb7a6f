# Sharpening in place of the floor: the logit of p times 3.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(prob_transforms=dict(floor=None, sharpen=dict(type="ProbSharpen", k=3.0))))
