"""The three phases and SAM2Rad as runs of seconds: the shipped recipes with tiny networks, an EMA and accumulated gradients."""

from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config, ConfigDict

from ultraref.apis import load_config
from ultraref.atomic import write_json
from ultraref.datasets.converters.to_coco import to_coco
from ultraref.datasets.image_io import read_mask
from ultraref.datasets.prediction_store import NetworkIdentity, PredictionManifest, PredictionStore
from ultraref.datasets.splits import Splits
from ultraref.testing.tiny_models import tiny_network, tiny_sam

COARSE_SIZE, SAM_SIZE = 32, 64
RECIPES = {
    "phase1": "quickstart/phase1.py",
    "phase2": "quickstart/phase2.py",
    "phase3": "quickstart/ultrarefiner.py",
    "sam2rad": "sam2rad/vit_b.py",
}


def prepare(data_root: str | Path, folder: str | Path) -> None:
    """Makes what the runs need beside a converted set: stored predictions, blurred truths of every fold, and a COCO file.

    Args:
        data_root: the set.
        folder: receives predictions/ and coco.json.
    """
    root, folder = Path(data_root), Path(folder)
    splits, store = Splits.read(root), PredictionStore(folder / "predictions")
    for fold in range(splits.num_folds):
        network = NetworkIdentity("0" * 64, ("blurred truth",))
        with store.writer(PredictionManifest(fold, "val", COARSE_SIZE, "none", "0" * 64, "none", network)) as writer:
            for name in splits.select("val", fold):
                writer.add(name, _blurred(root / f"train/masks/{name}.png"), splits.images[name].sha256)
    write_json(folder / "coco.json", to_coco(root))


def tiny_run(
    phase: str, data_root: str | Path, folder: str | Path, work_dir: str | Path, workers: int, epochs: int
) -> Config:
    """Returns the config of a run.

    Args:
        phase: a key of `RECIPES`.
        data_root: the converted set.
        folder: where `prepare` wrote.
        work_dir: of the run.
        workers: processes that load data.
        epochs: of three or more iterations each. Gradients of two are accumulated, so that steps reach over the ends of epochs.
    """
    cfg = load_config(RECIPES[phase], work_dir=work_dir)
    network, sam = ConfigDict(tiny_network(COARSE_SIZE)), ConfigDict(tiny_sam(SAM_SIZE))
    images = dict(data_root=str(data_root))
    if phase == "phase1":
        cfg.model.network = network
    elif phase == "phase2":
        cfg.model.coarse_source.size, cfg.model.refiner.sam = COARSE_SIZE, sam
        images["predictions"] = str(Path(folder, "predictions"))
    elif phase == "phase3":
        cfg.model.coarse_source.merge(dict(network=network, checkpoint=None))
        cfg.model.refiner.merge(dict(sam=sam, checkpoint=None))
    else:
        # LoRA, with the rest of the image encoder frozen, as in the recipe.
        cfg.model.sam = ConfigDict(tiny_sam(SAM_SIZE, freeze=["image_encoder", "prompt_encoder"], lora=dict(rank=4)))
        cfg.model.prompt_predictor.hidden_dim = 16
        images.update(image_dir=str(data_root), ann_file=str(Path(folder, "coco.json")))
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.merge(images)
        loader.merge(dict(batch_size=5, num_workers=workers, persistent_workers=workers > 0))
    cfg.train_cfg.merge(dict(max_epochs=epochs, val_interval=1))
    cfg.val_evaluator.size = "model"
    cfg.optim_wrapper.accumulative_counts = 2
    cfg.custom_hooks = [dict(type="EMAHook", momentum=0.1)]
    cfg.default_hooks.overlays = None
    cfg.visualizer = None
    cfg.log_level = "ERROR"
    return cfg


def _blurred(mask: Path) -> np.ndarray:
    """The mask at the coarse size, soft at its edge: (COARSE_SIZE, COARSE_SIZE) float32 in [0, 1]."""
    small = cv2.resize(read_mask(mask).astype(np.float32), (COARSE_SIZE, COARSE_SIZE), interpolation=cv2.INTER_AREA)
    return np.clip(cv2.GaussianBlur(small, (0, 0), 1.0), 0, 1)
