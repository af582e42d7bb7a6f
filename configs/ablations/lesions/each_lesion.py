# Each lesion of the coarse mask, of the eight largest, gets its own ROI and prompts; specks stay as the coarse network has them.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(components=dict(min_share=0.01, min_area=20, max_lesions=8, rest="keep")))
