"""LiteMedSAM's published weights on real images, through the path of the product."""

import math
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.datasets import Splits
from ultraref.datasets.converters import convert, find_busi
from ultraref.datasets.image_io import read_image, read_mask
from ultraref.datasets.mask_errors.find_masks import find_masks
from ultraref.datasets.transforms import ResizeToModels
from ultraref.models.refiners import RefinerInputs
from ultraref.registry import GATES, MODELS, REFINERS

BOX = dict(box=dict(type="ComponentBoxPromptGenerator", margin=0.0))


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def lite_medsam() -> str:
    """The path of LiteMedSAM's file."""
    path = Path(os.environ.get("ULTRAREF_WEIGHTS", ""), "lite_medsam.pth")
    if not os.environ.get("ULTRAREF_WEIGHTS") or not path.is_file():
        pytest.skip("needs LiteMedSAM's weights: set ULTRAREF_WEIGHTS to the folder of lite_medsam.pth")
    return str(path)


def sam(path, scale="minmax"):
    encoder = dict(type="TinyViT", arch="lite_medsam", scale=scale)
    return dict(type="SAM", image_encoder=encoder, checkpoint=path, freeze=["image_encoder"])


def true_box_dice(refiner, image, mask):
    """Dice at the image's own size, of the refiner given the lesion itself as coarse mask."""
    sample = ResizeToModels(inputs=("sam",), sam_fit="pad")(
        dict(img=image, gt_seg_map=mask, sizes=dict(sam=refiner.image_size))
    )
    pixels = torch.from_numpy(sample["sam_image"]).float().expand(1, 3, -1, -1)
    lesion = torch.from_numpy(sample["gt"]).float()[None, None]
    height, width = sample["content_size"]
    with torch.inference_mode():
        answer = refiner(RefinerInputs(pixels, lesion, content_size=torch.tensor([[height, width]]))).prob[0, 0].numpy()
    found = cv2.resize(answer[:height, :width], mask.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
    return 2 * (found & (mask > 0)).sum() / (found.sum() + mask.sum())


def box_refiner(path):
    return REFINERS.build(dict(type="SAMRefiner", sam=sam(path), prompts=BOX, multimask=False)).eval()


@pytest.mark.realdata
def test_true_boxes_give_the_lesions(lite_medsam, busi_root):
    refiner, masks = box_refiner(lite_medsam), find_masks(busi_root)
    pairs = [(read_image(busi_root / f"{name}.png"), mask) for name, mask in list(masks.items())[::60]]
    # Of so few images the mean hangs on one: a box around two lesions gives 0.49.
    assert np.median([true_box_dice(refiner, image, mask) for image, mask in pairs]) >= 0.91


@pytest.mark.realdata
@pytest.mark.slow
def test_true_boxes_give_the_lesions_of_the_test_part(lite_medsam, busi_root, tmp_path):
    convert(find_busi(busi_root), tmp_path, dataset="busi")
    refiner, folder = box_refiner(lite_medsam), tmp_path / "test"
    pairs = [
        (read_image(folder / "images" / f"{name}.png"), read_mask(folder / "masks" / f"{name}.png"))
        for name in Splits.read(tmp_path).select("test")
    ]
    dice = [true_box_dice(refiner, image, mask) for image, mask in pairs]
    print(f"{len(dice)} images, Dice {np.mean(dice):.4f}, median {np.median(dice):.4f}")
    assert np.mean(dice) >= 0.91


def test_imagenet_scaling_is_refused(lite_medsam):
    with pytest.raises(ValueError, match=r"scaled 'minmax'.*scale='minmax'"):
        MODELS.build(sam(lite_medsam, scale="imagenet"))


@pytest.mark.realdata
@pytest.mark.parametrize("components", [pytest.param(None, marks=pytest.mark.slow), dict()])
def test_normal_images_without_a_coarse_mask_stay_empty(components, lite_medsam, busi_root, tmp_path):
    """For every registered gate. Asked about the whole frame, SAM paints 98 % of it, in 12 of 12 images."""
    files = sorted(path for path in (busi_root / "normal").glob("*.png") if "_mask" not in path.name)[:12]
    # Computed once for all gates.
    cache = dict(embedding_cache=str(tmp_path)) if components is None else {}
    refiner = dict(
        type="SAMRefiner", sam=sam(lite_medsam), prompts=BOX, multimask=False, components=components, **cache
    )
    grey = np.stack([cv2.resize(read_image(file), (256, 256)) for file in files])
    inputs = dict(
        sam_image=torch.from_numpy(grey).float()[:, None].expand(-1, 3, -1, -1),
        coarse_prob=torch.zeros(12, 1, 32, 32),
        image_hash=[file.name for file in files],
    )
    GATES.import_from_location()
    for name in [name for name in GATES.module_dict if name.endswith("Gate")]:
        config = dict(
            type="RefinementSegmentor",
            data_preprocessor=dict(type="SegDataPreprocessor"),
            coarse_source=dict(type="FromSample", size=32),
            refiner=refiner,
            gate=dict(type=name),
            losses={},
            loss_weights={},
        )
        model = MODELS.build(config).eval()
        if hasattr(model.gate, "set_threshold"):
            # Calibrated so that it takes whatever SAM says.
            model.gate.set_threshold(-math.inf)
        with torch.inference_mode():
            output = model.refine(inputs)
        assert output.sam.empty.all()
        assert not output.refined_prob.any(), name
