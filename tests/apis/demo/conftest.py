"""A model whose answers can be foretold: what SAM is asked about, it takes for the lesion."""

import numpy as np
import pytest
import torch

from ultraref.apis.demo.session import Session
from ultraref.structures import SegDataSample

MAX_PIXELS = 200_000


class ForetoldModel:
    """In the place of `DemoModel`. q is 0.9 in the box and 0.1 outside of it, or without a box 0.9 where the coarse mask is; the gate
    is 0.5 everywhere, and 1 where a user asked; of several boxes the third is the best. All maps have the image's size."""

    title, makes_coarse, knows_points = "foretold", False, False

    def __init__(self):
        self.asked, self.prepared = [], 0

    def ask(self, name, image, coarse, asks):
        self.asked.append(list(asks))
        ask = asks[min(2, len(asks) - 1)] if asks else None
        inside = np.zeros(image.shape, bool) if coarse is None else np.asarray(coarse) > 0.5
        if ask is not None:
            ys, xs = np.indices(image.shape)
            x1, y1, x2, y2 = ask.box
            inside = (xs >= x1) & (xs <= x2) & (ys >= y1) & (ys <= y2)
        sam = torch.from_numpy(np.where(inside, 0.9, 0.1).astype(np.float32))[None]
        sample = SegDataSample(metainfo=dict(name=name, ori_shape=image.shape, predicted_iou=0.75))
        sample.set_pixels("sam", sam)
        if coarse is None:
            sample.set_pixels("refined", sam)
            return sample, ask
        p = torch.from_numpy(np.asarray(coarse, np.float32))[None]
        gate = torch.full_like(p, 0.5 if ask is None else 1.0)
        for field, value in (("coarse", p), ("gate", gate), ("refined", torch.lerp(p, sam, gate))):
            sample.set_pixels(field, value)
        return sample, ask

    def prepare(self, image):
        self.prepared += 1


@pytest.fixture(scope="session")
def foretold_model():
    """The class: test files can't import it from here."""
    return ForetoldModel


@pytest.fixture
def model(foretold_model):
    return foretold_model()


@pytest.fixture
def session(model):
    return Session(model, MAX_PIXELS)
