# The reference's study at full size: five sets, five folds each, phase 3 after phase 2 and behind a gate without it.
# python tools/run_protocol.py five_sets --launcher slurm    (--jobs 2 on a machine with two GPUs)
sets = dict(busi=dict(), busbra=dict(), bus=dict(), bus_uc=dict(), bus_uclm=dict())
folds = [0, 1, 2, 3, 4]
phase1 = "phase1/transunet.py"
phase2 = "phase2/sam_hybrid.py"
phase3 = ["phase3/ultrarefiner.py", "phase3/gated.py", "ablations/gates/gate_hybrid.py"]
summary = "phase3/gated.py"
resources = dict(
    default=dict(gpus=1, cpus=6, memory_gb=32, minutes=720),
    weights=dict(gpus=0),
    convert=dict(gpus=0),
    summary=dict(gpus=0, minutes=30),
    report=dict(gpus=0, minutes=30),
)
