# The reference's positive point: the centroid of p, not of p squared.
_base_ = "../../phase2/sam_hybrid_busi_fold0.py"
prompts = [*_base_.refiner.prompts]
prompts[0] = dict(prompts[0], power=1)
model = dict(refiner=dict(prompts=prompts))
