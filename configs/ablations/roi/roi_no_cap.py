# The reference's ROI, which may reach past the image.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(roi=dict(cap=False)))
