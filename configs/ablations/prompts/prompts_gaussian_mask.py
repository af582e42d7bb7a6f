# The mask prompt blurred first, as the reference has it for a SAM without phase 2.
_base_ = "../../phase2/sam_hybrid.py"
model = dict(refiner=dict(prompts=dict(mask=dict(style="gaussian", kernel_size=7, sigma=3.0))))
