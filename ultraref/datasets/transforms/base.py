"""What the transforms of this package have in common."""

from mmcv.transforms import BaseTransform


class LesionTransform(BaseTransform):
    """Contract: `transform` takes the dict of one sample and returns it, changed.

    Keys that MMSegmentation has mean the same here, so that its transforms and MMCV's may stand in a pipeline: img,
    (H, W) uint8 grey; img_path; img_shape and ori_shape, (height, width); gt_seg_map, (H, W) uint8 in {0, 1};
    seg_map_path; seg_fields. Beyond them: name, dataset, split, fold, image_hash, mask_hash; sizes, side of each network's frame
    in pixels; rng, the sample's `numpy.random.Generator`, from which all randomness comes; coarse_prob, (h, w) float32
    in [0, 1]; and, for the networks, coarse_image, sam_image and gt.

    Attributes:
        moves_pixels: whether it moves pixels at random; if so it moves img, gt_seg_map and coarse_prob alike. A
            transform without the attribute, such as MMCV's, is taken to move img and gt_seg_map and not to know
            coarse_prob.
        changes_grey: whether it changes grey values at random.
        has_few_outcomes: whether an image can come out in a few ways only, however often it is drawn: a cache may keep what
            is made of each.
        needs_data_set: whether it reads what only a data set has: files, ground truth, stored predictions. Where an image is handed
            over without one, as in the Inferencer, it is left out.
    """

    moves_pixels = False
    changes_grey = False
    has_few_outcomes = False
    needs_data_set = False


def may_change_image(component: type) -> bool:
    """Whether a transform may make an image look different in each epoch, so that nothing made from it can be cached.

    A transform that doesn't say is taken to change it.
    """
    if getattr(component, "has_few_outcomes", False):
        return False
    return getattr(component, "moves_pixels", True) or getattr(component, "changes_grey", False)
