"""A trained model, ready for use."""

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope

from ultraref import provenance
from ultraref.apis.config import load_config
from ultraref.checkpoint import load_checkpoint_file
from ultraref.models.checkpoint_loading import OTHER_MODEL, load_strictly, without_initial_weights
from ultraref.registry import MODELS


def init_model(config: str | Config, checkpoint: str, device: str = "cpu") -> BaseModel:
    """Builds the model of a config and fills it with a checkpoint, strictly.

    Args:
        config: path of a config, or one from `load_config`.
        checkpoint: checkpoint of the whole model, as tools/train.py leaves it.
        device: where the model goes.

    Returns:
        The model in eval mode.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the checkpoint doesn't fit the model.
    """
    cfg = config if isinstance(config, Config) else load_config(config)
    init_default_scope("ultraref")
    loaded = load_checkpoint_file(checkpoint)
    model = MODELS.build(without_initial_weights(cfg.model))
    load_strictly(model, loaded["state_dict"], f"checkpoint {checkpoint}", hint=OTHER_MODEL)
    provenance.record_checkpoint(model, str(checkpoint), loaded["meta"])
    return model.to(torch.device(device)).eval()
