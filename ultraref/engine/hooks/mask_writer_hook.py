"""Refined masks of a test as files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ultraref.atomic import atomic_file
from ultraref.datasets.image_io import encode_png
from ultraref.names import file_of
from ultraref.registry import HOOKS
from ultraref.structures import SegDataSample


@HOOKS.register_module()
class MaskWriterHook(Hook):
    """Writes the refined mask of every test image as PNG, 0 and 255, in the image's native size.

    Args:
        folder: receives NAME.png of each image, in a folder a data set where there are several.
        threshold: a pixel is lesion where its probability is above it.
    """

    def __init__(self, folder: str, threshold: float = 0.5):
        self.folder, self.threshold = Path(folder), threshold

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[SegDataSample] = ()
    ) -> None:
        """Writes the masks of one batch."""
        several = hasattr(runner.test_dataloader.dataset, "datasets")
        for sample in outputs:
            # Images of two sets may have one name.
            folder = file_of(self.folder, sample.metainfo["dataset"], "") if several else self.folder
            prob = sample.native_prob(sample.final)
            mask = (prob > self.threshold).cpu().numpy().astype(np.uint8) * 255
            with atomic_file(file_of(folder, sample.metainfo["name"], ".png")) as file:
                file.write(encode_png(mask))
