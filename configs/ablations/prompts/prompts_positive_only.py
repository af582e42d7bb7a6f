# No negative point.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(prompts=dict(points=dict(negative=None))))
