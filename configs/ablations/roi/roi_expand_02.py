# The reference's first margin: 20 % of the box on each side.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(roi=dict(expand_ratio=0.2)))
