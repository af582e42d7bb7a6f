# The reference's negative point. In most lesions it lies inside the lesion.
_base_ = "../../phase2/sam_hybrid_busi_fold0.py"
prompts = [*_base_.refiner.prompts]
prompts[0] = dict(prompts[0], negative="background_centroid")
model = dict(refiner=dict(prompts=prompts))
