# A tenth of the refined loss's gradient reaches the coarse network; that of its own loss is whole.
_base_ = "../../phase3/ultrarefiner.py"
model = dict(coarse_grad_scale=0.1)
