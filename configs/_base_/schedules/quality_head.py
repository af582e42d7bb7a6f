# A quality head beside SAM: a rate of its own, and gradients clipped apart, so that SAM trains as without it.
with_quality_head = dict(
    optim_wrapper=dict(
        type="GroupClipOptimWrapper",
        constructor="GlobOptimWrapperConstructor",
        paramwise_cfg=dict(groups={"refiner.quality_head": dict(lr=3e-4, weight_decay=1e-2), "refiner.sam": dict()}),
    )
)
