"""What ROI, crop and paste alone cost, on the outlines of real lesions."""

import pytest
import torch
import torch.nn.functional as F

from ultraref.datasets.mask_errors.find_masks import find_masks
from ultraref.models.roi import LesionROICropper

S, M = 1024, 256

pytestmark = pytest.mark.realdata


def soft_dice_loss(prob, target):
    return 1 - (2 * (prob * target).sum() / (prob.sum() + target.sum())).item()


def test_a_perfect_refiner_loses_next_to_nothing(busi_root):
    cropper = LesionROICropper()
    # Every 40th mask keeps the test within seconds.
    for name, mask in list(find_masks(busi_root).items())[::40]:
        native = torch.from_numpy(mask)[None, None].float()
        target = (F.interpolate(native, (S, S), mode="bilinear", align_corners=False) > 0.5).float()
        box = cropper(target)

        def pasted(prob, target=target, box=box):
            return cropper.paste(prob, box, (S, S), torch.zeros_like(target))

        assert soft_dice_loss(pasted(cropper.crop(target, box, S)), target) < 0.01, name
        # The best mask of SAM's size: the share of each pixel that is lesion, as logits, upsampled as the refiner does.
        logits = torch.logit(cropper.crop_area(target, box, M), eps=1e-4)
        upsampled = F.interpolate(logits, (S, S), mode="bilinear", align_corners=False).sigmoid()
        assert soft_dice_loss(pasted(upsampled), target) < 0.02, name
