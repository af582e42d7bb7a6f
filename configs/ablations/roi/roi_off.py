# No ROI: SAM sees the whole image.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(roi=None))
