# BUSI from published weights, fold 0, on a small machine: docs/explanation/real-weights.md.
# python tools/run_protocol.py busi --source busi=/path/to/Dataset_BUSI_with_GT
work_dir = "work_dirs/quickstart_busi"
sets = dict(busi=dict())
folds = [0]
phase1 = "phase1/unet.py"
phase2 = "phase2/lite.py"
phase3 = ["phase3/lite.py", "phase3/lite_gated.py"]
jobs = 5
