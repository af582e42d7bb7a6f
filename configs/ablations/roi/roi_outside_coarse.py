# Outside the ROI the coarse probability stays.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(roi=dict(outside="coarse")))
