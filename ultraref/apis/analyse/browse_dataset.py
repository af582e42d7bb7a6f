"""What the networks see of the data after the pipeline."""

from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ultraref.apis.analyse.data import build_dataset
from ultraref.atomic import atomic_file
from ultraref.datasets.image_io import encode_rgb_png
from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import without_initial_weights
from ultraref.registry import MODELS
from ultraref.visualization.network_inputs import draw_network_inputs


def browse_dataset(cfg: Config, out: str | Path, split: str = "train", count: int = 16, epoch: int = 0) -> list[Path]:
    """Writes a picture of each of some samples, spread evenly over the data set, as a training of that epoch draws them.

    Args:
        cfg: a config from `load_config`.
        out: receives PLACE_NAME.png; see `draw_network_inputs`.
        split: "train", "val" or "test": the loader of the config.
        count: samples, at most as many as there are.
        epoch: whose augmentations, and simulated errors, are drawn.

    Returns:
        The files that were written.

    Raises:
        FileNotFoundError: the images are missing.
        UserError: the config has no such loader, or `count` or `epoch` is out of range.
    """
    if count < 1 or epoch < 0:
        raise UserError(
            f"the number of samples must be at least 1 and the epoch at least 0, but they are {count}, {epoch}"
        )
    init_default_scope("ultraref")
    # Sizes are the model's; its weights don't matter.
    sizes = MODELS.build(without_initial_weights(cfg.model)).sizes
    dataset = build_dataset(cfg, split, sizes)
    names = list(dataset.names)
    files = []
    for place in np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)).tolist():
        path = Path(out) / f"{place:04d}_{names[place].replace('/', '_')}.png"
        with atomic_file(path) as file:
            file.write(encode_rgb_png(draw_network_inputs(dataset[(epoch, place)])))
        files.append(path)
    return files
