# A square ROI, which keeps the frame's aspect.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(roi=dict(square=True)))
