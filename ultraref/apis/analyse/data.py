"""The data set of a config, and samples of it by place or name."""

import copy

from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.utils.data import Dataset

from ultraref.errors import UserError
from ultraref.registry import DATASETS

SPLITS = ("train", "val", "test")


def build_dataset(cfg: Config, split: str, sizes: dict[str, int]) -> Dataset:
    """Builds the data set of a config's loader for a model's sizes.

    Raises:
        FileNotFoundError: the images are missing.
        UserError: the config has no such loader.
    """
    loader = cfg.get(f"{split}_dataloader")
    if loader is None:
        raise UserError(f"{cfg.filename}: has no {split}_dataloader")
    init_default_scope("ultraref")
    config = copy.deepcopy(loader.dataset)
    config.setdefault("sizes", sizes)
    config.setdefault("seed", (cfg.get("randomness") or {}).get("seed", 0))
    return DATASETS.build(config)


def place_of(dataset: Dataset, name: str, what: str) -> int:
    """Returns the place of an image in a data set by its name.

    Raises:
        UserError: there is none, or several.
    """
    names = list(dataset.names)
    places = [place for place, known in enumerate(names) if known == name]
    if len(places) == 1:
        return places[0]
    if places:
        raise UserError(f"{what} holds {len(places)} images called {name!r}, of several sets; take a config of one set")
    from difflib import get_close_matches

    near = get_close_matches(name, names, 3, 0.4) or names[:3]
    raise UserError(f"{what} holds no image {name!r}; it has {len(names)}, such as {', '.join(near)}")
