# The quick start: all three phases with tiny models on made-up images.
# python tools/run_protocol.py quickstart
work_dir = "work_dirs/quickstart"
sets = dict(
    phantoms=dict(
        source="work_dirs/quickstart/data/phantoms_raw",
        converter="busi",
        # The tiny networks see 64 and 128 pixels. Larger files would only take longer to read.
        phantoms=dict(num=560, seed=0, max_side=192),
    )
)
folds = [0]
phase1 = "quickstart/phase1.py"
phase2 = "quickstart/phase2.py"
phase3 = ["quickstart/ultrarefiner.py", "quickstart/gated.py"]
# More than cores share them, so that no core waits for the last fold.
jobs = 5
