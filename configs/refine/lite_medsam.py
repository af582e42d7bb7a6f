# LiteMedSAM, as it was published, behind the masks of any tool: nothing is trained.
# python tools/refine.py configs/refine/lite_medsam.py images/ --coarse masks/ --out refined
# The mean of mask and SAM's answer, and the mask itself where the two agree by less: docs/how-to/refine-masks.md.
_base_ = "../phase2/lite.py"
run_name = "{stem}_{set}_{fold}"
model = dict(refiner=dict(components=dict(keep_below_iou=0.7), embedding_cache=None))
