# Sharpening in place of the floor: the logit of p times 3.
_base_ = "../../phase2/sam_hybrid_busi_fold0.py"
model = dict(refiner=dict(prob_transforms=[dict(type="ProbSharpen", k=3.0)]))
