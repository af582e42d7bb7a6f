# The reference's negative point. In most lesions it lies inside the lesion.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(prompts=dict(points=dict(negative="background_centroid"))))
