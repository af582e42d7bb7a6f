# As lite_medsam.py, for images of several lesions: the eight largest are refined one by one, and no other part is lost.
# python tools/refine.py configs/refine/by_lesion.py images/ --coarse masks/ --out refined
_base_ = "../phase2/lite.py"
run_name = "{stem}_{set}_{fold}"
each_lesion = dict(min_share=0.01, min_area=20, max_lesions=8, rest="keep", keep_below_iou=0.7)
model = dict(refiner=dict(components=each_lesion, embedding_cache=None))
