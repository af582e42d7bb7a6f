"""Writes what nnU-Net v2 leaves behind a cross-validation, around the images of a converted set, without training anything."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ultraref.datasets.image_io import encode_png, read_mask
from ultraref.datasets.splits import Splits

CONFIGURATION = "nnUNetTrainer__nnUNetPlans__2d"


@dataclass(frozen=True)
class NnunetTree:
    """Where the files lie: folder of one configuration, splits_final.json, and what fold 0's model predicted of the test images."""

    results: Path
    splits: Path
    test: Path


def write_nnunet_tree(root: Path, data_root: Path, probabilities: bool = True) -> NnunetTree:
    """Writes a results tree with the folds of a converted set; its cases have the names of the images.

    Args:
        root: folder to write into.
        data_root: the converted set.
        probabilities: writes CASE.npz beside the masks CASE.png, as --npz does.
    """
    splits = Splits.read(data_root)
    tree = NnunetTree(
        root / "nnUNet_results/Dataset100_US" / CONFIGURATION, root / "splits_final.json", root / "test_0"
    )
    folds = []
    for fold in range(splits.num_folds):
        validation = tree.results / f"fold_{fold}" / "validation"
        validation.mkdir(parents=True)
        (validation / "summary.json").write_text("{}")
        (validation.parent / "checkpoint_final.pth").write_bytes(b"weights of fold %d" % fold)
        for name in splits.select("val", fold):
            write_nnunet_case(validation, name, data_root / f"train/masks/{name}.png", probabilities)
        folds.append({part: splits.select(part, fold) for part in ("train", "val")})
    tree.splits.write_text(json.dumps(folds))
    tree.test.mkdir()
    (tree.test / "dataset.json").write_text("{}")
    for name in splits.select("test"):
        write_nnunet_case(tree.test, name, data_root / f"test/masks/{name}.png", probabilities)
    return tree


def write_nnunet_case(folder: Path, case: str, mask_path: Path, probabilities: bool = True) -> None:
    """Writes CASE.png with labels 0 and 1 and, where they are wanted, CASE.npz with probabilities (2, 1, H, W)."""
    lesion = lesion_probability(mask_path)
    (folder / f"{case}.png").write_bytes(encode_png((lesion > 0.5).astype(np.uint8)))
    if probabilities:
        np.savez_compressed(folder / f"{case}.npz", probabilities=np.stack([1 - lesion, lesion])[:, None])


def lesion_probability(mask_path: Path) -> np.ndarray:
    """The lesion's mask, blurred by 4 px, between 0.05 and 0.95: (H, W) float32."""
    return 0.05 + 0.9 * cv2.GaussianBlur(read_mask(mask_path).astype(np.float32), (0, 0), 4)
