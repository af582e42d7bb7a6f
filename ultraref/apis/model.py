"""A trained model, ready for use."""

import os

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope

from ultraref.apis.config import load_config
from ultraref.checkpoint import load_checkpoint_file
from ultraref.engine.inputs import require_weights
from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import load_model, without_initial_weights
from ultraref.registry import GATES, MODELS


def init_model(
    config: str | os.PathLike | Config, checkpoint: str | os.PathLike | None = None, device: str = "cpu"
) -> BaseModel:
    """Builds the model of a config and fills it with a checkpoint, strictly.

    Args:
        config: path of a config, name of a shipped recipe, or one from `load_config`.
        checkpoint: checkpoint of the whole model, as tools/train.py leaves it. None takes what the config itself names: published
            weights, and checkpoints of earlier phases.
        device: where the model goes.

    Returns:
        The model in eval mode.

    Raises:
        FileNotFoundError: a file is missing.
        UserError: the checkpoint doesn't fit the model, or there is none and the config leaves a part untrained.
    """
    cfg = config if isinstance(config, Config) else load_config(config)
    where = checked_device(device)
    init_default_scope("ultraref")
    if checkpoint is None:
        require_trained(cfg)
        require_weights(cfg)
        return MODELS.build(cfg.model).to(where).eval()
    loaded = load_checkpoint_file(checkpoint)
    model = MODELS.build(without_initial_weights(cfg.model))
    load_model(model, loaded, checkpoint)
    return model.to(where).eval()


def tta_config(cfg: Config) -> dict:
    """Returns the config of test-time augmentation, without the model: the config's `tta_model`, else flips left to right."""
    chosen = cfg.get("tta_model")
    return {"type": "FlipTTAModel"} if chosen is None else chosen.to_dict()


def require_trained(cfg: Config) -> None:
    """Refuses a config that, without a checkpoint of the whole model, would leave a part with random weights.

    Raises:
        UserError: names the parts.
    """
    init_default_scope("ultraref")
    untrained = []
    if cfg.model.type != "RefinementSegmentor":
        untrained.append("model")
    else:
        source, refiner = cfg.model.coarse_source, cfg.model.refiner
        if ("network" in source or "model" in source) and not source.get("checkpoint"):
            untrained.append("model.coarse_source")
        if not refiner.get("checkpoint") and not refiner.get("sam", {}).get("checkpoint"):
            untrained.append("model.refiner")
        if next(GATES.build(cfg.model.gate).parameters(), None) is not None:
            untrained.append("model.gate")
    if untrained:
        raise UserError(
            f"{cfg.filename or 'the config'}: nothing fills {' and '.join(untrained)}, whose weights would be random; give the "
            "checkpoint that training left (best.pth)"
        )


def checked_device(device: str | torch.device) -> torch.device:
    """Returns a device that is there.

    Raises:
        UserError: it has no such name, or this machine has none.
    """
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"device {device!r} can't be used: {str(error).splitlines()[0]}") from error
    return found
