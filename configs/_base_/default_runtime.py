default_scope = "ultraref"
runner_type = "UltraRunner"
# Hooks have names, so that a config changes one, or leaves it out with None.
default_hooks = dict(
    runtime_info=dict(type="RuntimeInfoHook"),
    timer=dict(type="IterTimerHook"),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    logger=dict(type="LoggerHook", interval=10),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="UltraCheckpointHook", save_best="val_refined/dice"),
    reseed=dict(type="ReseedHook"),
    finite=dict(type="FiniteHook", max_skipped=0),
    provenance=dict(type="ProvenanceHook"),
    input_contract=dict(type="InputContractHook"),
    group_learning_rate=dict(type="GroupLearningRateHook"),
    overlays=dict(type="OverlayHook", num_val=4),
)
# What is measured, by name: an ablation changes a measure, or leaves it out with None. A validation takes what costs nothing.
quick = dict(
    overlap=dict(type="OverlapMeasure"),
    changes=dict(type="ChangeMeasure"),
    predicted_dice=dict(type="PredictedDiceMeasure"),
    opinion=dict(type="OpinionMeasure"),
)
val_evaluator = dict(type="RefinementMetric", size="original", stage="val", measures=quick)
test_evaluator = dict(
    type="RefinementMetric",
    size="original",
    stage="test",
    measures=dict(
        quick,
        surface=dict(type="SurfaceMeasure"),
        lesions=dict(type="LesionMeasure"),
        calibration=dict(type="CalibrationMeasure"),
        quality=dict(type="QualityMeasure"),
        consistency=dict(type="ConsistencyMeasure"),
    ),
)
del quick
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
