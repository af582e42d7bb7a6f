"""Every registry of the package. A component is found by the name under which it is registered here.

Each registry is a child of MMEngine's of the same kind where there is one, and imports its `locations` the first time
that something is built from it, so that a config needs no `custom_imports` for what the package ships.
"""

from collections.abc import Mapping

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import EVALUATOR as MMENGINE_EVALUATOR
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import LOG_PROCESSORS as MMENGINE_LOG_PROCESSORS
from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODEL_WRAPPERS as MMENGINE_MODEL_WRAPPERS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import OPTIMIZERS as MMENGINE_OPTIMIZERS
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import RUNNERS as MMENGINE_RUNNERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import VISBACKENDS as MMENGINE_VISBACKENDS
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import Registry, build_runner_from_cfg


def _build_runner(cfg: Mapping, registry: Registry):
    """As MMEngine's, which takes its own runner where a config names none, and looks for all components among its own."""
    defaults = {"runner_type": "UltraRunner", "default_scope": "ultraref"}
    cfg = cfg.copy()
    cfg.update({key: value for key, value in defaults.items() if cfg.get(key) is None})
    return build_runner_from_cfg(cfg, registry)


# Segmentors, coarse networks, encoders, decoders, SAM, data preprocessors. Contract: torch.nn.Module; of SAM's image
# encoders: models/sam/image_encoders/base.py, BaseImageEncoder.
MODELS = Registry("model", parent=MMENGINE_MODELS, scope="ultraref", locations=["ultraref.models"])
# Where the coarse probability comes from. Contract: models/coarse/sources.py, CoarseSource.
COARSE_SOURCES = Registry("coarse_source", scope="ultraref", locations=["ultraref.models.coarse"])
# (image, p) -> q. Contract: models/refiners/base.py, BaseRefiner.
REFINERS = Registry("refiner", scope="ultraref", locations=["ultraref.models.refiners"])
# p -> boxes, and crop / paste along them. Contract: models/roi/base.py, BaseROICropper.
ROI_CROPPERS = Registry("roi_cropper", scope="ultraref", locations=["ultraref.models.roi"])
# Differentiable maps p -> p. Contract: models/prob_transforms/base.py, BaseProbTransform.
PROB_TRANSFORMS = Registry("prob_transform", scope="ultraref", locations=["ultraref.models.prob_transforms"])
# p -> prompts. Contract: models/prompts/base.py, BasePromptGenerator.
PROMPT_GENERATORS = Registry("prompt_generator", scope="ultraref", locations=["ultraref.models.prompts"])
# SAM's image embedding -> prompts. Contract: models/prompts/base.py, BasePromptPredictor.
PROMPT_PREDICTORS = Registry("prompt_predictor", scope="ultraref", locations=["ultraref.models.prompts"])
# (p, q) -> g in [0, 1]. Contract: models/gates/base.py, BaseGate.
GATES = Registry("gate", scope="ultraref", locations=["ultraref.models.gates"])
# (p, q, SAM's embedding) -> predicted Dice of both masks. Contract: models/quality/base.py, BaseQualityHead.
QUALITY_HEADS = Registry("quality_head", scope="ultraref", locations=["ultraref.models.quality"])
# p -> boxes at further places. Contract: models/proposals/base.py, BaseProposal.
PROPOSALS = Registry("proposal", scope="ultraref", locations=["ultraref.models.proposals"])
# Differentiable scalars. Contract: torch.nn.Module whose forward returns a scalar tensor.
LOSSES = Registry("loss", scope="ultraref", locations=["ultraref.models.losses"])
# Binary mask -> binary mask with a simulated segmentation error. Contract: datasets/mask_errors/base.py, BaseMaskError.
MASK_ERRORS = Registry("mask_error", scope="ultraref", locations=["ultraref.datasets.mask_errors"])
# Contract: datasets/base_lesion_dataset.py, BaseLesionDataset.
DATASETS = Registry("dataset", parent=MMENGINE_DATASETS, scope="ultraref", locations=["ultraref.datasets"])
DATA_SAMPLERS = Registry(
    "data_sampler", parent=MMENGINE_DATA_SAMPLERS, scope="ultraref", locations=["ultraref.datasets"]
)
# Contract: mmcv.transforms.BaseTransform; datasets/transforms/base.py, LesionTransform, names the keys.
TRANSFORMS = Registry(
    "transform", parent=MMENGINE_TRANSFORMS, scope="ultraref", locations=["ultraref.datasets.transforms"]
)
# Contract: mmengine.evaluator.BaseMetric; of RefinementMetric's measures: evaluation/metrics/base.py, BaseMeasure.
METRICS = Registry("metric", parent=MMENGINE_METRICS, scope="ultraref", locations=["ultraref.evaluation"])
# Contract: mmengine.hooks.Hook.
HOOKS = Registry("hook", parent=MMENGINE_HOOKS, scope="ultraref", locations=["ultraref.engine"])
# Contract: mmengine.runner.Runner.
RUNNERS = Registry("runner", _build_runner, parent=MMENGINE_RUNNERS, scope="ultraref", locations=["ultraref.engine"])
LOOPS = Registry("loop", parent=MMENGINE_LOOPS, scope="ultraref", locations=["ultraref.engine"])
OPTIM_WRAPPERS = Registry(
    "optim_wrapper", parent=MMENGINE_OPTIM_WRAPPERS, scope="ultraref", locations=["ultraref.engine"]
)
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    "optim_wrapper_constructor",
    parent=MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
    scope="ultraref",
    locations=["ultraref.engine"],
)
PARAM_SCHEDULERS = Registry(
    "parameter scheduler", parent=MMENGINE_PARAM_SCHEDULERS, scope="ultraref", locations=["ultraref.engine"]
)
VISUALIZERS = Registry(
    "visualizer", parent=MMENGINE_VISUALIZERS, scope="ultraref", locations=["ultraref.visualization"]
)

MODEL_WRAPPERS = Registry(
    "model_wrapper", parent=MMENGINE_MODEL_WRAPPERS, scope="ultraref", locations=["ultraref.engine"]
)

# The package adds nothing to these kinds. They are here so that a lookup from this scope finds MMEngine's.
EVALUATOR = Registry("evaluator", parent=MMENGINE_EVALUATOR, scope="ultraref")
LOG_PROCESSORS = Registry("log_processor", parent=MMENGINE_LOG_PROCESSORS, scope="ultraref")
OPTIMIZERS = Registry("optimizer", parent=MMENGINE_OPTIMIZERS, scope="ultraref")
VISBACKENDS = Registry("vis_backend", parent=MMENGINE_VISBACKENDS, scope="ultraref")

ALL_REGISTRIES = {
    "MODELS": MODELS,
    "COARSE_SOURCES": COARSE_SOURCES,
    "REFINERS": REFINERS,
    "ROI_CROPPERS": ROI_CROPPERS,
    "PROB_TRANSFORMS": PROB_TRANSFORMS,
    "PROMPT_GENERATORS": PROMPT_GENERATORS,
    "PROMPT_PREDICTORS": PROMPT_PREDICTORS,
    "GATES": GATES,
    "QUALITY_HEADS": QUALITY_HEADS,
    "PROPOSALS": PROPOSALS,
    "LOSSES": LOSSES,
    "MASK_ERRORS": MASK_ERRORS,
    "DATASETS": DATASETS,
    "DATA_SAMPLERS": DATA_SAMPLERS,
    "TRANSFORMS": TRANSFORMS,
    "METRICS": METRICS,
    "HOOKS": HOOKS,
    "RUNNERS": RUNNERS,
    "LOOPS": LOOPS,
    "OPTIM_WRAPPERS": OPTIM_WRAPPERS,
    "OPTIM_WRAPPER_CONSTRUCTORS": OPTIM_WRAPPER_CONSTRUCTORS,
    "PARAM_SCHEDULERS": PARAM_SCHEDULERS,
    "VISUALIZERS": VISUALIZERS,
    "MODEL_WRAPPERS": MODEL_WRAPPERS,
}
