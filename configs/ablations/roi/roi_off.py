# No ROI: SAM sees the whole image.
_base_ = "../../phase2/sam_hybrid_busi_fold0.py"
model = dict(refiner=dict(roi=None))
