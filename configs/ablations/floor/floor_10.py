# A floor of 0.1.
_base_ = "../../phase2/sam_hybrid_busi_fold0.py"
model = dict(refiner=dict(prob_transforms=[dict(type="ProbFloor", floor=0.1)]))
