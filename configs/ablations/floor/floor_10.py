# A floor of 0.1.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(prob_transforms=dict(floor=dict(floor=0.1))))
