"""A gate outside the package: it opens along the edge of the coarse mask. See docs/how-to/write-a-gate.md."""

import torch.nn.functional as F

from ultraref.models.gates import BaseGate
from ultraref.registry import GATES


@GATES.register_module()
class EdgeGate(BaseGate):
    """Largest minus smallest p within `radius` pixels: 0 in flat regions, up to 1 across the lesion's edge."""

    def __init__(self, radius: int = 3):
        super().__init__()
        self.radius = radius

    def forward(self, coarse_prob, sam_prob, features=None):
        """See the base class."""
        window = {"kernel_size": 2 * self.radius + 1, "stride": 1, "padding": self.radius}
        return F.max_pool2d(coarse_prob, **window) + F.max_pool2d(-coarse_prob, **window)
