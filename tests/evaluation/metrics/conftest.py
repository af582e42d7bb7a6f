"""Cases of a measure's tests."""

import pytest
import torch

from ultraref.evaluation.case import Case
from ultraref.structures import SegDataSample


@pytest.fixture
def make_case():
    """Makes a `Case` of a truth (H, W) and of probabilities of the same size by group, with metainfo."""

    def make(target, spacing=None, **groups):
        fields = {name: value for name, value in groups.items() if hasattr(value, "shape")}
        meta = {name: value for name, value in groups.items() if name not in fields}
        sample = SegDataSample(metainfo=dict(name="a", **meta, **({} if spacing is None else dict(spacing=spacing))))
        for group, value in fields.items():
            sample.set_pixels(group, torch.as_tensor(value).float()[None])
        return Case(sample.to_dict(), torch.as_tensor(target).bool())

    return make


@pytest.fixture
def make_row():
    """Makes the row of a case by a measure, with the columns that `RefinementMetric` puts before it."""

    def make(measure, case):
        empty = {f"{group}_emptiness": case.emptiness(group) for group in case.masks}
        return {"name": "a", "coarse_empty": False, **empty, **measure.measure(case)}

    return make
