"""The published layouts of BUS (BUSIS) and UDIAT: original/NAME.png and GT/NAME.png.

BUS: Zhang et al., "BUSIS: A benchmark for breast ultrasound image segmentation", Healthcare 10(4), 2022. UDIAT: Yap et
al., "Automated breast ultrasound lesions detection using convolutional neural networks", IEEE JBHI 22(4), 2018.
"""

from pathlib import Path

from ultraref.datasets.converters.layout import find_root, list_images, pair_files
from ultraref.datasets.converters.raw_sample import Found, RawSample


def find_bus(src: str | Path) -> Found:
    """Finds SRC/original/NAME.png and SRC/GT/NAME.png, which may lie one level deeper.

    Raises:
        FileNotFoundError: there is no such folder, or the two folders aren't in it.
    """
    return find_image_and_mask_folders(src, "original", "GT", "BUS or UDIAT")


def find_image_and_mask_folders(src: str | Path, images: str, masks: str, dataset: str) -> Found:
    """Finds images and masks of the same names in two folders; there are neither classes nor patients.

    Raises:
        FileNotFoundError: there is no such folder, or the two folders aren't in it.
    """
    folders = find_root(src, (images, masks), dataset)
    image_files, stray_images = list_images(folders[images])
    mask_files, stray_masks = list_images(folders[masks])
    pairs, lonely, bad = pair_files(image_files, mask_files)
    samples = [RawSample(name, image, (mask,)) for name, image, mask in pairs]
    return Found(samples, sorted(stray_images + stray_masks + lonely), bad, source=Path(src))
