default_scope = "ultraref"
runner_type = "UltraRunner"
default_hooks = dict(
    runtime_info=dict(type="RuntimeInfoHook"),
    timer=dict(type="IterTimerHook"),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    logger=dict(type="LoggerHook", interval=10),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="UltraCheckpointHook", save_best="val_refined/dice"),
)
custom_hooks = [
    dict(type="ReseedHook"),
    dict(type="ProvenanceHook"),
    dict(type="InputContractHook"),
    dict(type="GroupLearningRateHook"),
    dict(type="OverlayHook", num_val=4),
]
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl"),
)
visualizer = dict(type="Visualizer", vis_backends=[dict(type="LocalVisBackend"), dict(type="TensorboardVisBackend")])
log_processor = dict(by_epoch=True)
log_level = "INFO"
randomness = dict(seed=0)
load_from = None
resume = False
