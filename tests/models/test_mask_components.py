"""Connected components on the device against SciPy's."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from ultraref.models.mask_components import find_components, label_components

EIGHT = np.ones((3, 3), int)


def same_partition(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two label images cut the frame into the same parts."""
    pairs = set(zip(first.ravel().tolist(), second.ravel().tolist()))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


@pytest.mark.parametrize("density", [0.2, 0.4, 0.6, 0.95])
def test_labels_are_scipys(density):
    masks = np.random.default_rng(3).random((4, 1, 37, 53)) < density
    labels = label_components(torch.from_numpy(masks)).numpy()
    for mask, own in zip(masks[:, 0], labels[:, 0]):
        assert same_partition(own, ndimage.label(mask, structure=EIGHT)[0])
        assert ((own > 0) == mask).all()


def test_a_long_corridor_is_one_component():
    mask = np.zeros((65, 65), bool)
    # Rows joined alternately at the right and at the left end.
    mask[::2] = True
    mask[1::4, -1] = mask[3::4, 0] = True
    assert ndimage.label(mask, structure=EIGHT)[1] == 1
    labels = label_components(torch.from_numpy(mask)[None, None])
    assert len(labels[labels > 0].unique()) == 1


def test_components_of_a_share_are_found_in_order():
    mask = torch.zeros(3, 1, 16, 16, dtype=torch.bool)
    mask[0, 0, 1:5, 1:5] = True  # 16 of 16 + 4 + 1
    mask[0, 0, 10:12, 10:12] = True  # 4
    mask[0, 0, 14, 2] = True  # 1
    mask[2, 0, 3:9, 3:9] = True
    found = find_components(mask, min_share=0.15)
    assert found.rows.tolist() == [0, 0, 2]
    assert found.masks.flatten(1).sum(dim=1).tolist() == [16, 4, 36]
    # What is no part of a component, the speck too, is among its others.
    assert found.others.flatten(1).sum(dim=1).tolist() == [5, 17, 0]
    assert not (found.masks & found.others).any()
    # Alone, each keeps the 256 pixels of its image but for those.
    assert found.alone(torch.ones(3, 1, 16, 16)).flatten(1).sum(dim=1).tolist() == [251, 239, 256]
    assert find_components(mask, min_share=0.5).rows.tolist() == [0, 2]
    assert len(find_components(torch.zeros_like(mask), 0.2).rows) == 0


def test_the_largest_of_an_image_are_kept_in_order():
    mask = torch.zeros(3, 1, 24, 24, dtype=torch.bool)
    for left, size in ((0, 3), (4, 5), (10, 4), (15, 5)):
        mask[0, 0, 2 : 2 + size, left : left + size] = True
    mask[2, 0, 3:9, 3:9] = mask[2, 0, 15:17, 3:5] = True
    sides = lambda **options: [  # noqa: E731
        round(float(area) ** 0.5) for area in find_components(mask, 0.01, **options).masks.flatten(1).sum(dim=1)
    ]
    # In the order of their last pixels.
    assert sides() == [3, 4, 5, 5, 6, 2]
    assert sides(most=3) == [4, 5, 5, 6, 2]
    assert sides(most=1) == [5, 6]
    assert sides(min_area=5) == [3, 4, 5, 5, 6]
    assert sides(min_area=16, most=2) == [5, 5, 6]
    found = find_components(mask, 0.01, most=1)
    assert found.rows.tolist() == [0, 2]
    # Of the two of 25 pixels the left one ends first; what is no component is among the others.
    assert found.masks[0, 0, 2:7, 4:9].all()
    assert found.others.flatten(1).sum(dim=1).tolist() == [9 + 16 + 25, 4]
