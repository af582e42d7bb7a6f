"""Stores the predictions of a coarse network on images that it was not trained on: the input of phase 2."""

import copy
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from rich.progress import track
from torch.utils.data import DataLoader

from ultraref import provenance
from ultraref.apis.converted_sets import take_normals
from ultraref.apis.model import init_model
from ultraref.apis.output_folder import check_output_folder
from ultraref.datasets.collate import stack_collate
from ultraref.datasets.image_io import sha256_of_file
from ultraref.datasets.prediction_store import NetworkIdentity, PredictionManifest, PredictionStore
from ultraref.engine.seen_images import find_seen
from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import without_initial_weights
from ultraref.registry import DATASETS


def predict_coarse(
    cfg: Config, checkpoint: str, split: str, root: str | None = None, device: str | None = None
) -> Path:
    """Predicts one split with the coarse network of one fold.

    Args:
        cfg: a phase-1 config; its validation data set names the fold, its `predictions_root` the store.
        checkpoint: the checkpoint that held this fold out.
        split: "val" predicts the fold, "test" the test set.
        root: the store; by default `predictions_root` of the config.
        device: by default CUDA where there is one.

    Returns:
        The folder that was written: ROOT/fold{k}/{split}, with float32 .npy files at the coarse size and manifest.json.

    Raises:
        ValueError: the checkpoint was trained on an image of the split or of the fold, or on a copy of one (`find_seen`), or the config names
            no fold or store.
    """
    dataloader = cfg.val_dataloader if split == "val" else cfg.test_dataloader
    fold = cfg.val_dataloader.dataset.get("fold")
    root = root or cfg.get("predictions_root")
    if fold is None or root is None:
        raise UserError(
            f"{cfg.filename}: predict_coarse needs val_dataloader.dataset.fold (found {fold}) and predictions_root (found {root})"
        )
    if cfg.model.type != "CoarseSegmentor":
        raise UserError(
            f"{cfg.filename}: predict_coarse needs a phase-1 config, whose model is a CoarseSegmentor, not {cfg.model.type}"
        )
    init_default_scope("ultraref")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model = init_model(cfg, checkpoint, device)
    config = dict(copy.deepcopy(dataloader.dataset), sizes=model.sizes)
    # Those without a lesion as well, whatever this phase does with them: the next one may train and is tested on them.
    take_normals(config)
    dataset = DATASETS.build(config)
    if not any(provenance.collect(model).values()):
        raise UserError(
            f"{checkpoint} doesn't say which images it was trained on; predict with one that tools/train.py wrote"
        )
    judged = {"predicted": dataset}
    if split == "test":
        # It is predicted by the model of one fold as well: the checkpoint must have held that fold out.
        judged["held out"] = DATASETS.build(copy.deepcopy(cfg.val_dataloader.dataset))
    for what, images in judged.items():
        found = find_seen(model, images)
        if found.names:
            raise UserError(
                f"{checkpoint} was trained on {len(found.names)} of {len(images)} images that are {what}, so its predictions would not be out "
                f"of fold:\n  {found.describe()}\nGive the checkpoint that held fold {fold} out, and leave copies of other sets out (`exclude` of "
                "the data set, tools/audit_leakage.py)"
            )
    check_output_folder(root, "--out", cfg, is_store=True)
    loader = DataLoader(
        dataset,
        batch_size=dataloader.batch_size,
        num_workers=dataloader.get("num_workers", 0),
        collate_fn=stack_collate,
    )
    manifest = PredictionManifest(
        fold=fold,
        split=split,
        coarse_size=dataset[0]["inputs"]["coarse_image"].shape[-1],
        checkpoint=str(checkpoint),
        checkpoint_sha256=sha256_of_file(checkpoint),
        config=str(cfg.filename),
        network=NetworkIdentity.of(without_initial_weights(cfg.model.network)),
    )
    store = PredictionStore(root)
    with store.writer(manifest) as writer, torch.inference_mode():
        for batch in track(loader, description=f"fold {fold} {split}", transient=True):
            batch = model.data_preprocessor(batch)
            for sample in model(**batch, mode="predict"):
                name = sample.metainfo["name"]
                writer.add(name, sample.coarse.data[0].cpu().numpy(), dataset.image_hashes[name])
    return store.folder(fold, split)
