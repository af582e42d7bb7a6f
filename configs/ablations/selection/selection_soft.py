# All three candidates, weighted by softmax(predicted IoU / 0.1), in place of the best one.
_base_ = "../../phase3/ultrarefiner.py"
model = dict(refiner=dict(selection="soft"))
