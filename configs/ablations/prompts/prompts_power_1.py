# The reference's positive point: the centroid of p, not of p squared.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(prompts=dict(points=dict(power=1))))
