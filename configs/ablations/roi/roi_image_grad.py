# Phase 3 with gradients through the crop of the image into SAM's frozen encoder, which cost its backward pass.
# Phase 2 knew no such gradients: the change of the refiner's inputs is on purpose.
_base_ = "../../phase3/ultrarefiner.py"
model = dict(refiner=dict(roi=dict(image_grad=True), allow_contract_change=True))
